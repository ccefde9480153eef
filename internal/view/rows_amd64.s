#include "go_asm.h"
#include "textflag.h"

// To say in which of some sets a byte is takes a table of 256 for one byte at a time.
// Here 32 bytes are looked up at once: by the low half of each in the table of the
// set, by its high half in a table of bits; it is in the set if the first has all
// bits of the second.

// SET is how far the words of two sets are apart, in bytes.
#define SET (const_chunkSize*8)

// WORD makes W of which bytes of Y13 and Y14 are all ones, a bit for each.
#define WORD(W) \
	VPMOVMSKB Y13, W;  \
	VPMOVMSKB Y14, R9; \
	SHLQ      $32, R9; \
	ORQ       R9, W

// SORT makes W the word of the set whose table is in T. Y9 and Y10 are the block, Y11
// and Y12 the bits of its high halves.
#define SORT(T, W) \
	VPSHUFB  Y9, T, Y13;    \
	VPSHUFB  Y10, T, Y14;   \
	VPAND    Y11, Y13, Y13; \
	VPAND    Y12, Y14, Y14; \
	VPCMPEQB Y11, Y13, Y13; \
	VPCMPEQB Y12, Y14, Y14; \
	WORD(W)

// func sortBlocks(words *uint64, marks *mark, text *byte, n int, tables *[sortTables][16]byte)
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
	VBROADCASTI128 128(AX), Y8
	VBROADCASTI128 144(AX), Y15
	TESTQ          CX, CX
	JLE            done

block:
	VMOVDQU  (SI), Y9
	VMOVDQU  32(SI), Y10
	VPCMPEQB Y9, Y6, Y13
	VPCMPEQB Y10, Y6, Y14
	WORD(R10)
	MOVQ     R10, mark_lines(DX)
	VPCMPEQB Y9, Y7, Y13
	VPCMPEQB Y10, Y7, Y14
	WORD(R8)
	SHRQ     $1, R10
	NOTQ     R10
	ANDQ     R10, R8
	MOVQ     R8, mark_escapes(DX)
	VPAND    Y9, Y8, Y13
	VPAND    Y10, Y8, Y14
	VPCMPEQB Y13, Y15, Y13
	VPCMPEQB Y14, Y15, Y14
	WORD(R11)
	MOVQ     R11, (3*SET)(DI)
	VPSRLW   $4, Y9, Y11
	VPSRLW   $4, Y10, Y12
	VPAND    Y5, Y11, Y11
	VPAND    Y5, Y12, Y12
	VPSHUFB  Y11, Y4, Y11
	VPSHUFB  Y12, Y4, Y12
	SORT(Y0, R11)
	MOVQ     R11, (0*SET)(DI)
	SORT(Y1, R11)
	MOVQ     R11, (1*SET)(DI)
	SORT(Y2, R11)
	MOVQ     R11, (2*SET)(DI)
	VPSHUFB  Y9, Y3, Y13
	VPSHUFB  Y10, Y3, Y14
	VPCMPEQB Y9, Y13, Y13
	VPCMPEQB Y10, Y14, Y14
	WORD(R11)
	MOVQ     R11, mark_others(DX)
	ADDQ     $64, SI
	ADDQ     $8, DI
	ADDQ     $mark__size, DX
	DECQ     CX
	JNZ      block

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
	MOVQ     found+0(FP), DI
	MOVQ     words+8(FP), SI
	MOVQ     n+16(FP), CX
	MOVQ     before+24(FP), AX
	VMOVQ    (AX), X0
	VMOVQ    8(AX), X1
	VMOVQ    16(AX), X2
	VMOVQ    24(AX), X3
	VPCMPEQD Y8, Y8, Y8
	VPSRLW   $15, Y8, Y6     // a bit of each two
	VPSLLW   $2, Y6, Y7
	VPOR     Y7, Y6, Y6
	VPSLLW   $4, Y6, Y7
	VPOR     Y7, Y6, Y6
	VPSLLW   $8, Y6, Y7
	VPOR     Y7, Y6, Y6
	VPXOR    Y8, Y6, Y7      // the others
	TESTQ    CX, CX
	JLE      joined

four:
	// Groups of base64: the third character of three that fit.
	VMOVDQU (2*SET)(SI), Y9
	VMOVDQU (1*SET)(SI), Y10
	BEFORE(Y10, Y1, Y11)
	BEHIND(Y10, Y11, 1, Y9)
	VMOVDQU (SI), Y10
	BEFORE(Y10, Y0, Y11)
	BEHIND(Y10, Y11, 2, Y9)

	// Three of them in a row.
	VMOVDQA Y9, Y12
	BEFORE(Y9, Y2, Y11)
	BEHIND(Y9, Y11, 4, Y12)
	BEHIND(Y9, Y11, 8, Y12)

	// Groups of hex: four in each of three eights of bytes.
	VMOVDQU  (3*SET)(SI), Y9
	VPOR     Y9, Y6, Y10
	VPOR     Y9, Y7, Y11
	VPCMPEQB Y10, Y8, Y10
	VPCMPEQB Y11, Y8, Y11
	VPOR     Y10, Y11, Y10
	VMOVDQA  Y10, Y5
	BEFORE(Y5, Y3, Y11)
	BEHIND(Y5, Y11, 8, Y10)
	BEHIND(Y5, Y11, 16, Y10)
	VPAND    Y9, Y10, Y9
	VPOR     Y9, Y12, Y12
	VMOVDQU  Y12, (DI)
	ADDQ     $32, SI
	ADDQ     $32, DI
	SUBQ     $4, CX
	JG       four

joined:
	VMOVQ X0, (AX)
	VMOVQ X1, 8(AX)
	VMOVQ X2, 16(AX)
	VMOVQ X3, 24(AX)
	VZEROUPPER
	RET
