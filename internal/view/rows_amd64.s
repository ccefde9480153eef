#include "textflag.h"

// To say in which of seven sets a byte is takes a table of 256 for one byte at a
// time. Here 32 bytes are looked up at once: by the low half of each in the table
// of the set, by its high half in a table of bits; it is in the set if both have a
// bit in common.

// SORT stores the word of the set whose table is in T. Y9 and Y10 are the block,
// Y11 and Y12 the bits of its high halves, Y8 is zero. What compares equal to zero
// is not in the set.
#define SORT(T, at) \
	VPSHUFB   Y9, T, Y13;    \
	VPSHUFB   Y10, T, Y14;   \
	VPAND     Y11, Y13, Y13; \
	VPAND     Y12, Y14, Y14; \
	VPCMPEQB  Y8, Y13, Y13;  \
	VPCMPEQB  Y8, Y14, Y14;  \
	VPMOVMSKB Y13, R8;       \
	VPMOVMSKB Y14, R9;       \
	SHLQ      $32, R9;       \
	ORQ       R8, R9;        \
	NOTQ      R9;            \
	MOVQ      R9, at

// func sortBlocks(out *[fitSets]uint64, marks *uint64, text *byte, n int, tables *[sortTables][16]byte)
TEXT ·sortBlocks(SB), NOSPLIT, $0-40
	MOVQ           out+0(FP), DI
	MOVQ           marks+8(FP), DX
	MOVQ           text+16(FP), SI
	MOVQ           n+24(FP), CX
	MOVQ           tables+32(FP), AX
	VBROADCASTI128 (AX), Y0
	VBROADCASTI128 16(AX), Y1
	VBROADCASTI128 32(AX), Y2
	VBROADCASTI128 48(AX), Y3
	VBROADCASTI128 64(AX), Y4
	VBROADCASTI128 80(AX), Y5
	VBROADCASTI128 96(AX), Y6
	VBROADCASTI128 112(AX), Y7
	VBROADCASTI128 128(AX), Y15
	VPXOR          Y8, Y8, Y8
	TESTQ          CX, CX
	JLE            done

block:
	VMOVDQU (SI), Y9
	VMOVDQU 32(SI), Y10
	VPSRLW  $4, Y9, Y11
	VPSRLW  $4, Y10, Y12
	VPAND   Y7, Y11, Y11
	VPAND   Y7, Y12, Y12
	VPSHUFB Y11, Y6, Y11
	VPSHUFB Y12, Y6, Y12
	SORT(Y0, 0(DI))
	SORT(Y1, 8(DI))
	SORT(Y2, 16(DI))
	SORT(Y3, 24(DI))
	SORT(Y4, 32(DI))
	SORT(Y5, 40(DI))
	SORT(Y15, 0(DX))
	ADDQ    $64, SI
	ADDQ    $48, DI
	ADDQ    $8, DX
	DECQ    CX
	JNZ     block

done:
	VZEROUPPER
	RET
