#include "textflag.h"

// Eight stretches of CX bytes are walked at once, so that waiting for one state hides
// behind the others. SI is the place in the first of them, DI that in the fourth, BX the
// rows, before which the classes stand; AX and DX are scratch.

#define STEP(place, state) \
	MOVBLZX place, DX               \
	MOVBLZX -256(BX)(DX*1), DX      \
	SHLL    $7, state               \
	ADDL    DX, state               \
	MOVWLZX (BX)(state*2), state

// A hit is written behind those of its lane, whose end is at found; AX is the place.
#define HIT(state, found, next) \
	TESTL state, hitState+24(FP) \
	JZ    next              \
	MOVQ  found, DX         \
	MOVL  AX, (DX)          \
	MOVL  state, 4(DX)      \
	ADDQ  $8, found

// func walkEight(text *byte, n int, rows *uint16, hitState uint32, states *[8]uint32, found *[8]*hit)
TEXT ·walkEight(SB), NOSPLIT, $72-48
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ rows+16(FP), BX
	LEAQ (SI)(CX*2), DI
	ADDQ CX, DI
	LEAQ (SI)(CX*1), AX
	MOVQ AX, end-72(SP)
	MOVQ found+40(FP), DX
	MOVQ 0(DX), AX
	MOVQ AX, f0-8(SP)
	MOVQ 8(DX), AX
	MOVQ AX, f1-16(SP)
	MOVQ 16(DX), AX
	MOVQ AX, f2-24(SP)
	MOVQ 24(DX), AX
	MOVQ AX, f3-32(SP)
	MOVQ 32(DX), AX
	MOVQ AX, f4-40(SP)
	MOVQ 40(DX), AX
	MOVQ AX, f5-48(SP)
	MOVQ 48(DX), AX
	MOVQ AX, f6-56(SP)
	MOVQ 56(DX), AX
	MOVQ AX, f7-64(SP)
	MOVQ states+32(FP), DX
	MOVL 0(DX), R8
	MOVL 4(DX), R9
	MOVL 8(DX), R10
	MOVL 12(DX), R11
	MOVL 16(DX), R12
	MOVL 20(DX), R13
	MOVL 24(DX), R14
	MOVL 28(DX), R15

byte:
	CMPQ SI, end-72(SP)
	JGE  done
	STEP((SI), R8)
	STEP((SI)(CX*1), R9)
	STEP((SI)(CX*2), R10)
	STEP((DI), R11)
	STEP((SI)(CX*4), R12)
	STEP((DI)(CX*2), R13)
	LEAQ (DI)(CX*2), DX
	STEP((DX)(CX*1), R14)
	STEP((DI)(CX*4), R15)
	MOVL R8, AX
	ORL  R9, AX
	ORL  R10, AX
	ORL  R11, AX
	ORL  R12, AX
	ORL  R13, AX
	ORL  R14, AX
	ORL  R15, AX
	INCQ SI
	INCQ DI
	TESTL AX, hitState+24(FP)
	JZ   byte
	MOVQ SI, AX
	SUBQ text+0(FP), AX
	HIT(R8, f0-8(SP), lane1)
lane1:
	HIT(R9, f1-16(SP), lane2)
lane2:
	HIT(R10, f2-24(SP), lane3)
lane3:
	HIT(R11, f3-32(SP), lane4)
lane4:
	HIT(R12, f4-40(SP), lane5)
lane5:
	HIT(R13, f5-48(SP), lane6)
lane6:
	HIT(R14, f6-56(SP), lane7)
lane7:
	HIT(R15, f7-64(SP), byte)
	JMP byte

done:
	MOVQ found+40(FP), DX
	MOVQ f0-8(SP), AX
	MOVQ AX, 0(DX)
	MOVQ f1-16(SP), AX
	MOVQ AX, 8(DX)
	MOVQ f2-24(SP), AX
	MOVQ AX, 16(DX)
	MOVQ f3-32(SP), AX
	MOVQ AX, 24(DX)
	MOVQ f4-40(SP), AX
	MOVQ AX, 32(DX)
	MOVQ f5-48(SP), AX
	MOVQ AX, 40(DX)
	MOVQ f6-56(SP), AX
	MOVQ AX, 48(DX)
	MOVQ f7-64(SP), AX
	MOVQ AX, 56(DX)
	MOVQ states+32(FP), DX
	MOVL R8, 0(DX)
	MOVL R9, 4(DX)
	MOVL R10, 8(DX)
	MOVL R11, 12(DX)
	MOVL R12, 16(DX)
	MOVL R13, 20(DX)
	MOVL R14, 24(DX)
	MOVL R15, 28(DX)
	RET
