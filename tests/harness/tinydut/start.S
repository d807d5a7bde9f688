/* tinydut's start: the header that the Linux/x86 boot protocol asks for (Documentation/x86/boot.rst, version 2.06), the way from real mode
 * to flat 32-bit protected mode, and the timer interrupt.
 *
 * Loaders (iPXE's BIOS ROM, qemu -kernel) copy the first 1024 bytes to some segment S below 640 KiB and jump to S+0x20:0 in real mode, with
 * ds = S; the rest goes to 1 MiB. They fill the command line's and the initramfs' places into the header.
 */
#define PROTECTED_START 0x100000
#define STACK_TOP       0x7c00 /* conventional memory that no loader leaves anything in */

	.section .setup, "ax"
	.code16
	.org 0x1f1
	.byte 1                 /* setup_sects: one after the boot sector */
	.word 0                 /* root_flags */
	.long syssize           /* in 16 bytes */
	.word 0                 /* ram_size */
	.word 0                 /* vid_mode */
	.word 0                 /* root_dev */
	.word 0xaa55
	jmp   real_mode         /* 0x200: the entry; two bytes long */
	.ascii "HdrS"
	.word 0x0206            /* version: 2.02 has cmd_line_ptr, 2.06 cmdline_size */
	.long 0                 /* realmode_swtch */
	.word 0                 /* start_sys_seg */
	.word version_text - 0x200
	.byte 0                 /* type_of_loader */
	.byte 1                 /* loadflags: LOADED_HIGH */
	.word 0                 /* setup_move_size */
	.long PROTECTED_START   /* code32_start */
	.long 0                 /* 0x218: ramdisk_image */
	.long 0                 /* 0x21c: ramdisk_size */
	.long 0                 /* bootsect_kludge */
	.word 0                 /* heap_end_ptr */
	.word 0
	.long 0                 /* 0x228: cmd_line_ptr */
	.long 0x37ffffff        /* initrd_addr_max */
	.long 0x1000            /* kernel_alignment */
	.byte 0                 /* relocatable_kernel */
	.byte 0
	.word 0
	.long 4095              /* cmdline_size */

real_mode:
	cli
	cld
	inb   $0x92, %al        /* A20, in case a loader has left it off */
	orb   $2, %al
	andb  $0xfe, %al
	outb  %al, $0x92
	xorl  %esi, %esi
	movw  %ds, %si
	shll  $4, %esi          /* where the header lies: the C part's argument */
	leal  gdt(%esi), %eax
	movl  %eax, gdt_base
	lgdtl gdt_descriptor
	movl  %cr0, %eax
	orb   $1, %al
	movl  %eax, %cr0
	ljmpl $8, $PROTECTED_START

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff /* 8: code, 4 GiB from 0 */
	.quad 0x00cf92000000ffff /* 16: data, the same */
gdt_descriptor:
	.word gdt_descriptor - gdt - 1
gdt_base:
	.long 0
version_text:
	.asciz "tinydut"
	.org 1024

	.section .text.start, "ax"
	.code32
	movw  $16, %ax
	movw  %ax, %ds
	movw  %ax, %es
	movw  %ax, %fs
	movw  %ax, %gs
	movw  %ax, %ss
	movl  $STACK_TOP, %esp
	pushl %esi
	call  tinydut
1:	cli
	hlt
	jmp   1b

	.global on_tick
on_tick:                        /* IRQ 0 */
	pushl %eax
	incl  ticks
	movb  $0x20, %al
	outb  %al, $0x20
	popl  %eax
	iretl

	.section .note.GNU-stack, "", @progbits
