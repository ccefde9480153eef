#include "go_asm.h"
#include "textflag.h"

// To say in which of seven sets a byte is takes a table of 256 for one byte at a
// time. Here 32 bytes are looked up at once: by the low half of each in the table
// of the set, by its high half in a table of bits; it is in the set if the first has
// all bits of the second.

// SET is how far the words of two sets are apart, in bytes.
#define SET (const_chunkSize*8)

// SORT stores the word of the set whose table is in T, in two halves. Y9 and Y10 are
// the block, Y11 and Y12 the bits of its high halves.
#define SORT(T, at, base) \
	VPSHUFB   Y9, T, Y13;      \
	VPSHUFB   Y10, T, Y14;     \
	VPAND     Y11, Y13, Y13;   \
	VPAND     Y12, Y14, Y14;   \
	VPCMPEQB  Y11, Y13, Y13;   \
	VPCMPEQB  Y12, Y14, Y14;   \
	VPMOVMSKB Y13, R8;         \
	VPMOVMSKB Y14, R9;         \
	MOVL      R8, (at)(base);  \
	MOVL      R9, (at+4)(base)

// func sortBlocks(words, marks *uint64, text *byte, n int, tables *[sortTables][16]byte)
TEXT ·sortBlocks(SB), NOSPLIT, $0-40
	MOVQ           words+0(FP), DI
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
	SORT(Y0, 0*SET, DI)
	SORT(Y1, 1*SET, DI)
	SORT(Y2, 2*SET, DI)
	SORT(Y3, 3*SET, DI)
	SORT(Y4, 4*SET, DI)
	SORT(Y5, 5*SET, DI)
	SORT(Y15, 0, DX)
	ADDQ    $64, SI
	ADDQ    $8, DI
	ADDQ    $8, DX
	DECQ    CX
	JNZ     block

done:
	VZEROUPPER
	RET

// A row goes on over the edge of a block: what a word is moved by n bits, the word
// before it fills up. Here this is done for four words at once.

// BEFORE makes P the words before those in X, the first of which is in C, which
// becomes the one before the next four.
#define BEFORE(X, C, P) \
	VPERMQ   $0x93, X, Y15;   \
	VPBLENDD $3, C, Y15, P;   \
	VMOVDQA  Y15, C

// BEHIND leaves in Z the bits of it that stand n behind a bit of X; P are the words
// before X.
#define BEHIND(X, P, n, Z) \
	VPSLLQ $n, X, Y13;        \
	VPSRLQ $(64-n), P, Y14;   \
	VPOR   Y13, Y14, Y13;     \
	VPAND  Y13, Z, Z

// func joinRows(found, words *uint64, n int, before *[carried]uint64)
TEXT ·joinRows(SB), NOSPLIT, $0-32
	MOVQ  found+0(FP), DI
	MOVQ  words+8(FP), SI
	MOVQ  n+16(FP), CX
	MOVQ  before+24(FP), AX
	VMOVQ (AX), X0
	VMOVQ 8(AX), X1
	VMOVQ 16(AX), X2
	VMOVQ 24(AX), X3
	VMOVQ 32(AX), X4
	VMOVQ 40(AX), X5
	VMOVQ 48(AX), X6
	VMOVQ 56(AX), X7
	VMOVQ 64(AX), X8
	TESTQ CX, CX
	JLE   joined

four:
	// Groups of base64: the last character of four that fit.
	VMOVDQU (3*SET)(SI), Y9
	VMOVDQU (2*SET)(SI), Y10
	BEFORE(Y10, Y2, Y11)
	BEHIND(Y10, Y11, 1, Y9)
	VMOVDQU (1*SET)(SI), Y10
	BEFORE(Y10, Y1, Y11)
	BEHIND(Y10, Y11, 2, Y9)
	VMOVDQU (SI), Y10
	BEFORE(Y10, Y0, Y11)
	BEHIND(Y10, Y11, 3, Y9)

	// Three of them in a row.
	VMOVDQA Y9, Y12
	BEFORE(Y9, Y3, Y11)
	BEHIND(Y9, Y11, 4, Y12)
	BEHIND(Y9, Y11, 8, Y12)

	// Groups of hex: one, two, four, eight and sixteen in a row.
	VMOVDQU (5*SET)(SI), Y9
	VMOVDQU (4*SET)(SI), Y10
	BEFORE(Y10, Y4, Y11)
	BEHIND(Y10, Y11, 1, Y9)
	VMOVDQA Y9, Y10
	BEFORE(Y10, Y5, Y11)
	BEHIND(Y10, Y11, 2, Y9)
	VMOVDQA Y9, Y10
	BEFORE(Y10, Y6, Y11)
	BEHIND(Y10, Y11, 4, Y9)
	VMOVDQA Y9, Y10
	BEFORE(Y10, Y7, Y11)
	BEHIND(Y10, Y11, 8, Y9)
	VMOVDQA Y9, Y10
	BEFORE(Y10, Y8, Y11)
	BEHIND(Y10, Y11, 16, Y9)
	VPOR    Y9, Y12, Y12
	VMOVDQU Y12, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $4, CX
	JG      four

joined:
	VMOVQ X0, (AX)
	VMOVQ X1, 8(AX)
	VMOVQ X2, 16(AX)
	VMOVQ X3, 24(AX)
	VMOVQ X4, 32(AX)
	VMOVQ X5, 40(AX)
	VMOVQ X6, 48(AX)
	VMOVQ X7, 56(AX)
	VMOVQ X8, 64(AX)
	VZEROUPPER
	RET
