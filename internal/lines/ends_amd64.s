#include "textflag.h"

// func markBlocks(marks *uint64, text *byte, n int)
TEXT ·markBlocks(SB), NOSPLIT, $0-24
	MOVQ         marks+0(FP), DI
	MOVQ         text+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVL         $'\n', AX
	VMOVQ        AX, X0
	VPBROADCASTB X0, Y0

block:
	VPCMPEQB  (SI), Y0, Y1
	VPCMPEQB  32(SI), Y0, Y2
	VPMOVMSKB Y1, AX
	VPMOVMSKB Y2, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	MOVQ      AX, (DI)
	ADDQ      $64, SI
	ADDQ      $8, DI
	DECQ      CX
	JNZ       block
	VZEROUPPER
	RET
