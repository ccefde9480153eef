#include "go_asm.h"
#include "textflag.h"

// The class of each of 32 bytes is looked up at once: by the low half the classes
// that have it, by the high half likewise; a byte has that class which both have. By
// a byte that is not ASCII nothing is looked up. Blocks begin at DX; behind the last
// whole one is that at BX, which ends the line, unless the whole ones did.

// SETS has those that AX points at in Y0, Y1 and Y2.
#define SETS \
	VBROADCASTI128 (AX), Y0   \
	VBROADCASTI128 16(AX), Y1 \
	VBROADCASTI128 32(AX), Y2

// CLASSES makes of the bytes in Y3 their classes; Y4 is scratch.
#define CLASSES \
	VPSRLW    $4, Y3, Y4 \
	VPAND     Y2, Y4, Y4 \
	VPSHUFB   Y4, Y1, Y4 \
	VPSHUFB   Y3, Y0, Y3 \
	VPAND     Y4, Y3, Y3

// func outlineBlocks(line *byte, n int, sets *classSets, h uint64) uint64
TEXT ·outlineBlocks(SB), NOSPLIT, $0-40
	MOVQ  line+0(FP), SI
	MOVQ  n+8(FP), CX
	MOVQ  sets+16(FP), AX
	SETS
	MOVQ  h+24(FP), AX
	MOVQ  $const_outlineFactor, R9
	VPXOR Y8, Y8, Y8
	LEAQ  -32(CX), BX
	XORQ  DX, DX

block:
	VMOVDQU   (SI)(DX*1), Y3
	CLASSES
	VPSUBB    Y3, Y8, Y3 // a class of letters or digits, negative, has the top bit
	VPMOVMSKB Y3, R8
	XORQ      R8, AX
	IMULQ     R9, AX
	ADDQ      $32, DX
	CMPQ      DX, BX
	JLE       block
	CMPQ      DX, CX
	JGE       done
	MOVQ      BX, DX
	JMP       block

done:
	MOVQ AX, ret+32(FP)
	VZEROUPPER
	RET

// func fitBlocks(line, text, free *byte, n int, sets *classSets) bool
TEXT ·fitBlocks(SB), NOSPLIT, $0-41
	MOVQ  line+0(FP), SI
	MOVQ  text+8(FP), DI
	MOVQ  free+16(FP), R8
	MOVQ  n+24(FP), CX
	MOVQ  sets+32(FP), AX
	SETS
	VPXOR Y8, Y8, Y8
	LEAQ  -32(CX), BX
	XORQ  DX, DX

block:
	VMOVDQU   (SI)(DX*1), Y3
	VPCMPEQB  (DI)(DX*1), Y3, Y5
	CLASSES
	VPAND     (R8)(DX*1), Y3, Y3
	VPOR      Y5, Y3, Y3
	VPCMPEQB  Y8, Y3, Y3
	VPMOVMSKB Y3, R9
	TESTL     R9, R9
	JNZ       done
	ADDQ      $32, DX
	CMPQ      DX, BX
	JLE       block
	CMPQ      DX, CX
	JGE       done // R9 is 0
	MOVQ      BX, DX
	JMP       block

done:
	TESTL R9, R9
	SETEQ ret+40(FP)
	VZEROUPPER
	RET
