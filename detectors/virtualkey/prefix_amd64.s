#include "textflag.h"

// EVERYWHERE puts the byte in AX into each byte of X.
#define EVERYWHERE(X) \
	MOVD      AX, X;    \
	PUNPCKLBW X, X;     \
	PUNPCKLWL X, X;     \
	PSHUFL    $0, X, X

// func findPair(text *byte, n int, first, second byte) int
TEXT ·findPair(SB), NOSPLIT, $0-32
	MOVQ    text+0(FP), SI
	MOVQ    n+8(FP), CX
	MOVBLZX first+16(FP), AX
	EVERYWHERE(X0)
	MOVBLZX second+17(FP), AX
	EVERYWHERE(X1)
	XORL    DX, DX

step:
	CMPQ     DX, CX
	JGE      done
	MOVOU    (SI)(DX*1), X2
	MOVOU    1(SI)(DX*1), X3
	MOVOU    16(SI)(DX*1), X4
	MOVOU    17(SI)(DX*1), X5
	PCMPEQB  X0, X2
	PCMPEQB  X1, X3
	PCMPEQB  X0, X4
	PCMPEQB  X1, X5
	PAND     X3, X2
	PAND     X5, X4
	MOVO     X2, X6
	POR      X4, X6
	PMOVMSKB X6, AX
	ADDQ     $32, DX
	TESTL    AX, AX
	JZ       step
	PMOVMSKB X2, AX
	PMOVMSKB X4, BX
	SHLL     $16, BX
	ORL      BX, AX
	BSFL     AX, AX
	LEAQ     -32(DX)(AX*1), CX

done:
	MOVQ CX, ret+24(FP)
	RET

// func findPairWide(text *byte, n int, first, second byte) int
TEXT ·findPairWide(SB), NOSPLIT, $0-32
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
