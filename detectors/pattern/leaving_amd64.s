#include "textflag.h"

// 32 bytes are looked up at once: by the low half of each in a table of high halves
// with which it is in the set, by its high half in a table of bits. It is in the set
// if both have a bit in common, or if it is not ASCII.

// func firstOf(text *byte, n int, tables *[3][16]byte) int
TEXT ·firstOf(SB), NOSPLIT, $0-32
	MOVQ           text+0(FP), SI
	MOVQ           n+8(FP), CX
	MOVQ           tables+16(FP), AX
	VBROADCASTI128 (AX), Y0
	VBROADCASTI128 16(AX), Y1
	VBROADCASTI128 32(AX), Y2
	VPXOR          Y8, Y8, Y8
	XORQ           DX, DX

block:
	CMPQ      DX, CX
	JGE       done
	VMOVDQU   (SI)(DX*1), Y3
	VPSRLW    $4, Y3, Y4
	VPAND     Y2, Y4, Y4
	VPSHUFB   Y4, Y1, Y4
	VPSHUFB   Y3, Y0, Y5
	VPAND     Y4, Y5, Y5
	VPCMPEQB  Y8, Y5, Y5
	VPMOVMSKB Y5, R8
	VPMOVMSKB Y3, R9
	NOTL      R8
	ORL       R9, R8
	TESTL     R8, R8
	JNZ       found
	ADDQ      $32, DX
	JMP       block

found:
	BSFL R8, R8
	ADDQ R8, DX

done:
	MOVQ DX, ret+24(FP)
	VZEROUPPER
	RET
