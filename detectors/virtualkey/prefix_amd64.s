#include "textflag.h"

// func findPair(text *byte, n int, first, second byte) int
TEXT ·findPair(SB), NOSPLIT, $0-32
	MOVQ         text+0(FP), SI
	MOVQ         n+8(FP), CX
	VPBROADCASTB first+16(FP), Y0
	VPBROADCASTB second+17(FP), Y1
	XORL         DX, DX

step:
	CMPQ      DX, CX
	JGE       done
	VPCMPEQB  (SI)(DX*1), Y0, Y2
	VPCMPEQB  1(SI)(DX*1), Y1, Y3
	VPCMPEQB  32(SI)(DX*1), Y0, Y4
	VPCMPEQB  33(SI)(DX*1), Y1, Y5
	VPAND     Y3, Y2, Y2
	VPAND     Y5, Y4, Y4
	VPOR      Y4, Y2, Y6
	VPMOVMSKB Y6, AX
	ADDQ      $64, DX
	TESTL     AX, AX
	JZ        step
	VPMOVMSKB Y2, AX
	VPMOVMSKB Y4, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	BSFQ      AX, AX
	LEAQ      -64(DX)(AX*1), CX

done:
	VZEROUPPER
	MOVQ CX, ret+24(FP)
	RET
