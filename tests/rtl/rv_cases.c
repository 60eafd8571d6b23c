#include "tests/rtl/rv_cases.h"

#define MIN 0x80000000u
#define MAX 0x7fffffffu
#define ONES 0xffffffffu

const rv_case rv_cases[] = {
    {"lui", 0, 0x00000, 0}, {"lui", 0, 0xfffff, 0xfffff000}, {"lui", 0, 0x80000, MIN},
    {"lui", 0, 0x12345, 0x12345000}, {"add", 0, 0, 0}, {"add", ONES, 1, 0}, {"add", MAX, 1, MIN},
    {"add", MIN, MIN, 0}, {"add", 0x0000ffff, 1, 0x10000}, {"add", 0x12345678, 0x9abcdef0, 0xacf13568},
    {"sub", 0, 0, 0}, {"sub", 0, 1, ONES}, {"sub", MIN, 1, MAX}, {"sub", MAX, ONES, MIN}, {"sub", 5, 7, 0xfffffffe},
    {"sub", 0x12345678, 0x9abcdef0, 0x77777788}, {"sll", 1, 0, 1}, {"sll", 1, 31, MIN}, {"sll", ONES, 1, 0xfffffffe},
    {"sll", 1, 32, 1}, {"sll", 0x12345678, 0xffffffe4, 0x23456780}, {"srl", MIN, 0, MIN}, {"srl", MIN, 31, 1},
    {"srl", ONES, 1, MAX}, {"srl", MIN, 33, 0x40000000}, {"srl", 0x87654321, 8, 0x00876543},
    {"sra", MIN, 0, MIN}, {"sra", MIN, 31, ONES}, {"sra", MAX, 30, 1}, {"sra", MAX, 31, 0},
    {"sra", 0x87654321, 8, 0xff876543}, {"slt", 0, 0, 0}, {"slt", ONES, 0, 1}, {"slt", 0, ONES, 0},
    {"slt", MIN, MAX, 1}, {"slt", MAX, MIN, 0}, {"slt", MIN, MIN, 0}, {"slt", 1, 2, 1}, {"slt", 2, 1, 0},
    {"sltu", 0, 0, 0}, {"sltu", ONES, 0, 0}, {"sltu", 0, ONES, 1}, {"sltu", MIN, MAX, 0}, {"sltu", MAX, MIN, 1},
    {"sltu", 1, 2, 1}, {"sltu", 2, 1, 0}, {"xor", ONES, 0, ONES}, {"xor", ONES, ONES, 0},
    {"xor", 0x0f0f0f0f, 0x00ff00ff, 0x0ff00ff0}, {"or", 0, 0, 0}, {"or", 0x0f0f0f0f, 0x00ff00ff, 0x0fff0fff},
    {"or", MIN, MAX, ONES}, {"and", ONES, ONES, ONES}, {"and", MIN, MAX, 0},
    {"and", 0x0f0f0f0f, 0x00ff00ff, 0x000f000f}, {"addi", 0, 0xfff, ONES}, {"addi", MIN, 0x800, 0x7ffff800},
    {"addi", ONES, 1, 0}, {"addi", MAX, 0x7ff, 0x800007fe}, {"slti", ONES, 0, 1}, {"slti", 0, 0xfff, 0},
    {"slti", MIN, 0x800, 1}, {"slti", MAX, 0x7ff, 0}, {"slti", 0x7fe, 0x7ff, 1},
    {"sltiu", 0, 1, 1}, {"sltiu", 0, 0, 0}, {"sltiu", ONES, 0xfff, 0}, {"sltiu", 5, 0xfff, 1},
    {"sltiu", 0xfffff800, 0x800, 0}, {"xori", 0x0f0f0f0f, 0xfff, 0xf0f0f0f0}, {"xori", 0, 0x7ff, 0x7ff},
    {"ori", 0, 0x800, 0xfffff800}, {"ori", MIN, 0x7ff, 0x800007ff}, {"andi", ONES, 0x7ff, 0x7ff},
    {"andi", 0x12345678, 0xff0, 0x12345670}, {"slli", 1, 0, 1}, {"slli", 3, 31, MIN},
    {"slli", 0x12345678, 4, 0x23456780}, {"srli", MIN, 31, 1}, {"srli", MIN, 0, MIN},
    {"srli", 0x87654321, 12, 0x00087654}, {"srai", MIN, 31, ONES}, {"srai", MAX, 31, 0},
    {"srai", 0x87654321, 12, 0xfff87654}, {"beq", 0, 0, 1}, {"beq", 0, 1, 0}, {"beq", MIN, MIN, 1},
    {"beq", MIN, 0, 0}, {"beq", ONES, 0x7fffffff, 0}, {"bne", 0, 0, 0}, {"bne", 0, 1, 1}, {"bne", 0x10000, 0, 1},
    {"bne", ONES, ONES, 0}, {"blt", ONES, 0, 1}, {"blt", 0, ONES, 0}, {"blt", MIN, MAX, 1}, {"blt", MAX, MIN, 0},
    {"blt", 7, 7, 0}, {"blt", 6, 7, 1}, {"bge", ONES, 0, 0}, {"bge", 0, ONES, 1}, {"bge", MIN, MAX, 0},
    {"bge", MAX, MIN, 1}, {"bge", 7, 7, 1}, {"bge", 6, 7, 0}, {"bltu", ONES, 0, 0}, {"bltu", 0, ONES, 1},
    {"bltu", MIN, MAX, 0}, {"bltu", MAX, MIN, 1}, {"bltu", 7, 7, 0}, {"bgeu", ONES, 0, 1}, {"bgeu", 0, ONES, 0},
    {"bgeu", MIN, MAX, 1}, {"bgeu", MAX, MIN, 0}, {"bgeu", 7, 7, 1}, {"lb", 0, 0x80, 0xffffff80},
    {"lb", 0x100, 0xffffff7f, 0x7f}, {"lb", 1, 0x00008100, 0xffffff81}, {"lb", 2, 0x00820000, 0xffffff82},
    {"lb", 3, 0x83000000, 0xffffff83}, {"lb", 3, 0x7fffffff, 0x7f}, {"lbu", 0, 0xffffff80, 0x80},
    {"lbu", 1, 0x00008100, 0x81}, {"lbu", 2, 0x00820000, 0x82}, {"lbu", 3, 0x83000000, 0x83},
    {"lh", 0, 0x8000, 0xffff8000}, {"lh", 0, 0xffff7fff, 0x7fff}, {"lh", 2, 0x80010000, 0xffff8001},
    {"lh", 2, 0x7fffffff, 0x7fff}, {"lhu", 0, 0xffff8000, 0x8000}, {"lhu", 2, 0x8001ffff, 0x8001},
    {"lw", 0, 0, 0}, {"lw", 0xfffffffc, 0x87654321, 0x87654321}, {"lw", 4, ONES, ONES},
    {"mul", 0, ONES, 0}, {"mul", ONES, ONES, 1}, {"mul", MIN, MIN, 0}, {"mul", 0x12345678, 0x9abcdef0, 0x242d2080},
    {"mul", MIN, ONES, MIN}, {"mulh", ONES, ONES, 0}, {"mulh", MIN, MIN, 0x40000000}, {"mulh", MIN, MAX, 0xc0000000},
    {"mulh", MAX, MAX, 0x3fffffff}, {"mulh", ONES, 1, ONES}, {"mulh", 1, ONES, ONES},
    {"mulhsu", ONES, ONES, ONES}, {"mulhsu", MIN, MIN, 0xc0000000}, {"mulhsu", MIN, ONES, MIN},
    {"mulhsu", MAX, ONES, 0x7ffffffe}, {"mulhsu", 1, ONES, 0}, {"mulhu", ONES, ONES, 0xfffffffe},
    {"mulhu", MIN, MIN, 0x40000000}, {"mulhu", ONES, 1, 0}, {"mulhu", MIN, 2, 1},
    {"div", 7, 2, 3}, {"div", 0xfffffff9, 2, 0xfffffffd}, {"div", 7, 0xfffffffe, 0xfffffffd},
    {"div", 0xfffffff9, 0xfffffffe, 3}, {"div", 5, 0, ONES}, {"div", 0xfffffffb, 0, ONES}, {"div", 0, 0, ONES},
    {"div", MIN, ONES, MIN}, {"div", MIN, 1, MIN}, {"div", 1, MIN, 0}, {"div", MIN, MIN, 1},
    {"divu", 7, 2, 3}, {"divu", ONES, 2, MAX}, {"divu", MIN, ONES, 0}, {"divu", 5, 0, ONES}, {"divu", ONES, 1, ONES},
    {"divu", ONES, MIN, 1}, {"rem", 7, 2, 1}, {"rem", 0xfffffff9, 2, ONES}, {"rem", 7, 0xfffffffe, 1},
    {"rem", 0xfffffff9, 0xfffffffe, ONES}, {"rem", 5, 0, 5}, {"rem", 0xfffffffb, 0, 0xfffffffb},
    {"rem", MIN, ONES, 0}, {"rem", MAX, MIN, MAX}, {"remu", 7, 2, 1}, {"remu", ONES, 2, 1}, {"remu", MIN, ONES, MIN},
    {"remu", 5, 0, 5}, {"remu", ONES, MIN, MAX},
};
const unsigned rv_case_count = sizeof rv_cases / sizeof *rv_cases;

const rv_store_case rv_store_cases[] = {
    {"sb", 0x20, 0x12345678, 1, 0x78}, {"sb", 0x21, 0x12345678, 2, 0x7800}, {"sb", 0x22, 0x12345678, 4, 0x780000},
    {"sb", 0x23, 0x12345678, 8, 0x78000000}, {"sh", 0x40, 0x12345678, 3, 0x5678},
    {"sh", 0x42, 0x12345678, 12, 0x56780000}, {"sw", 0xfffffffc, 0x12345678, 15, 0x12345678},
    {"sw", 0, ONES, 15, ONES},
};
const unsigned rv_store_case_count = sizeof rv_store_cases / sizeof *rv_store_cases;

const rv_csr_case rv_csr_cases[] = {
    {"csrrw", ONES, 0, 0}, {"csrrw", 0x12345678, 0x9abcdef0, 0x9abcdef0}, {"csrrs", 0, MIN, MIN},
    {"csrrs", 0x0f0f0f0f, 0x00ff00ff, 0x0fff0fff}, {"csrrc", ONES, 1, 0xfffffffe},
    {"csrrc", 0x0f0f0f0f, 0x00ff00ff, 0x0f000f00}, {"csrrwi", ONES, 31, 31}, {"csrrwi", ONES, 0, 0},
    {"csrrsi", MIN, 17, 0x80000011}, {"csrrsi", MIN, 0, MIN}, {"csrrci", ONES, 31, 0xffffffe0},
    {"csrrci", 5, 4, 1},
};
const unsigned rv_csr_case_count = sizeof rv_csr_cases / sizeof *rv_csr_cases;

const rv_cycle_case rv_cycle_cases[] = {
    {"add", 3, 3}, {"xori", 3, 3}, {"lui", 3, 3}, {"auipc", 3, 3}, {"slt", 4, 4},
    {"sltiu", 4, 4}, {"jal", 4, 4}, {"jalr", 4, 4}, {"fence", 3, 3}, {"sll", 9, 4},
    {"srai", 9, 4}, {"csrrw", 5, 5}, {"csrrci", 5, 5}, {"lw", 6, 6}, {"lb", 6, 6},
    {"sw", 6, 6}, {"mret", 5, 5}, {"mul", 37, 7}, {"mulhsu", 37, 7}, {"div", 39, 39},
    {"remu", 39, 39},
};
const unsigned rv_cycle_case_count = sizeof rv_cycle_cases / sizeof *rv_cycle_cases;
