#include "go_asm.h"
#include "textflag.h"

// Where all escapes are of one letter, only few bytes are between two of them. They are
// copied in pieces of 32 bytes: what is copied too much is written over by what comes
// next.

// func (s *escaping) run()
TEXT ·run(SB), NOSPLIT, $0-8
	MOVQ  s+0(FP), DI
	MOVQ  escaping_text(DI), SI
	MOVQ  escaping_out(DI), R12
	MOVQ  escaping_units(DI), R13
	MOVQ  escaping_means(DI), R14
	MOVQ  escaping_end(DI), R15
	MOVQ  escaping_mark(DI), R8
	MOVQ  escaping_block(DI), R9
	MOVQ  escaping_last(DI), BX
	ADDQ  escaping_to(DI), R12
	MOVQ  mark_escapes(R8), R10

next:
	TESTQ   R10, R10
	JZ      block
	BSFQ    R10, AX
	ADDQ    R9, AX
	LEAQ    -1(R10), CX
	ANDQ    CX, R10
	CMPQ    AX, R15
	JLT     next                           // in the one before
	CMPQ    AX, BX
	JGE     stop
	CMPQ    escaping_room(DI), $0
	JLE     stop
	MOVBLZX 1(SI)(AX*1), CX
	MOVWLZX (R14)(CX*2), CX
	TESTL   CX, CX
	JZ      stop                           // not of one letter
	LEAQ    (SI)(R15*1), DX
	MOVQ    AX, R11
	SUBQ    R15, R11

copy:
	VMOVDQU (DX), Y0
	VMOVDQU Y0, (R12)
	CMPQ    R11, $32
	JLE     copied
	ADDQ    $32, DX
	ADDQ    $32, R12
	SUBQ    $32, R11
	JMP     copy

copied:
	ADDQ    R11, R12
	MOVB    CX, (R12)
	INCQ    R12
	MOVBLZX CX, DX
	SHRL    $8, CX
	ORQ     CX, escaping_made(DI)
	MOVL    AX, found_at(R13)
	MOVL    DX, (found_change+change_out)(R13)
	MOVB    $2, (found_change+change_width)(R13)
	MOVB    $1, (found_change+change_n)(R13)
	ADDQ    $found__size, R13
	DECQ    escaping_room(DI)
	LEAQ    2(AX), R15
	JMP     next

block:
	ADDQ $const_blockSize, R9
	CMPQ R9, BX
	JGE  stop
	ADDQ $mark__size, R8
	MOVQ mark_escapes(R8), R10
	JMP  next

stop:
	SUBQ escaping_out(DI), R12
	MOVQ R12, escaping_to(DI)
	MOVQ R15, escaping_end(DI)
	VZEROUPPER
	RET
