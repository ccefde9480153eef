#include "textflag.h"

// The sets of three places are looked up as in firstOf, in 32 bytes and in the 32
// that begin one and two bytes further on. A place is a hit where all three have it.

// func nextBlock(text *byte, n int, tables *[5][16]byte, left int, feed uint32) (i int, hits, lines uint32, rest int)
TEXT ·nextBlock(SB), NOSPLIT, $0-64
	MOVQ           text+0(FP), SI
	MOVQ           n+8(FP), CX
	MOVQ           tables+16(FP), AX
	MOVQ           left+24(FP), BX
	MOVL           feed+32(FP), R12
	VBROADCASTI128 (AX), Y0
	VBROADCASTI128 16(AX), Y1
	VBROADCASTI128 32(AX), Y2
	VBROADCASTI128 48(AX), Y6
	VBROADCASTI128 64(AX), Y7
	VPXOR          Y8, Y8, Y8
	MOVL           $0x0a0a0a0a, R8
	VMOVD          R8, X9
	VPBROADCASTD   X9, Y9
	XORQ           DX, DX
	XORL           R8, R8
	XORL           R10, R10

block:
	CMPQ      DX, CX
	JGE       done
	VMOVDQU   (SI)(DX*1), Y3
	VMOVDQU   1(SI)(DX*1), Y4
	VMOVDQU   2(SI)(DX*1), Y5
	VPCMPEQB  Y9, Y3, Y10
	VPSRLW    $4, Y3, Y11
	VPSRLW    $4, Y4, Y12
	VPSRLW    $4, Y5, Y13
	VPAND     Y7, Y11, Y11
	VPAND     Y7, Y12, Y12
	VPAND     Y7, Y13, Y13
	VPSHUFB   Y11, Y6, Y11
	VPSHUFB   Y12, Y6, Y12
	VPSHUFB   Y13, Y6, Y13
	VPSHUFB   Y3, Y0, Y3
	VPSHUFB   Y4, Y1, Y4
	VPSHUFB   Y5, Y2, Y5
	VPAND     Y11, Y3, Y3
	VPAND     Y12, Y4, Y4
	VPAND     Y13, Y5, Y5
	VPCMPEQB  Y8, Y3, Y3
	VPCMPEQB  Y8, Y4, Y4
	VPCMPEQB  Y8, Y5, Y5
	VPOR      Y4, Y3, Y3
	VPOR      Y5, Y3, Y3
	VPMOVMSKB Y3, R8
	VPMOVMSKB Y10, R9
	NOTL      R8
	LEAL      (R12)(R9*2), R10
	NOTL      R10
	ANDL      R9, R10
	MOVL      R9, R12
	SHRL      $31, R12
	POPCNTL   R10, R11
	SUBQ      R11, BX
	JLT       done
	TESTL     R8, R8
	JNZ       done
	ADDQ      $32, DX
	JMP       block

done:
	MOVQ DX, i+40(FP)
	MOVL R8, hits+48(FP)
	MOVL R10, lines+52(FP)
	MOVQ BX, rest+56(FP)
	VZEROUPPER
	RET
