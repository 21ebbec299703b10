/* AMD's code objects, as far as the names of their kernels: an ELF file for AMDGPU, in which a kernel
   NAME has a symbol NAME.kd, or a bundle of such files, of which the first one is taken.

   HIP is not told how long an image is, so nothing of it is read but through `read_safely`.

   A kernel's symbol is where its descriptor is, which begins with the sizes of what the kernel needs
   (LLVM's AMDGPUUsage, kernel descriptor). */

#include "core.h"

#include <elf.h>

enum { EM_AMD_GPU = 224, LONGEST_NAME = 256, MOST_SECTIONS = 256, MOST_SYMBOLS = 4096 };
enum { MOST_ENTRIES = 64, LONGEST_ID = 256 };

static const char BUNDLE[] = "__CLANG_OFFLOAD_BUNDLE__";
static const char SUFFIX[] = ".kd";

typedef struct {
  const uint8_t *bytes;
  uint64_t size;
} Image;

static bool take(void *target, const Image *image, uint64_t offset, size_t size) {
  bool is_in = offset < (uint64_t)1 << 40 && offset <= image->size && size <= image->size - offset;
  return is_in && read_safely(target, image->bytes + offset, size);
}

/* The group's memory, a thread's own, and the arguments'. */
static Result take_sizes(Function *function, const Image *image, const Elf64_Ehdr *header,
                         const Elf64_Sym *symbol) {
  Elf64_Shdr section;
  uint32_t sizes[3];
  uint64_t place = header->e_shoff + symbol->st_shndx * sizeof section;
  if (symbol->st_shndx >= header->e_shnum || !take(&section, image, place, sizeof section))
    return INVALID_IMAGE;
  uint64_t offset = section.sh_offset + (symbol->st_value - section.sh_addr);
  if (!take(sizes, image, offset, sizeof sizes)) return INVALID_IMAGE;
  function->group_size = sizes[0];
  function->private_size = sizes[1];
  function->argument_size = sizes[2];
  return DONE;
}

/* Of a symbol: less than its room, however long it is. */
static bool take_name(char name[LONGEST_NAME], const Image *image, uint64_t offset) {
  for (int i = 0; i < LONGEST_NAME; i++) {
    if (!take(&name[i], image, offset + i, 1)) return false;
    if (!name[i]) return true;
  }
  return false;
}

static Result add_symbol(Module *module, const Image *image, const Elf64_Ehdr *header,
                         const Elf64_Sym *symbol, const Elf64_Shdr *strings) {
  char name[LONGEST_NAME];
  if (symbol->st_name >= strings->sh_size) return INVALID_IMAGE;
  if (!take_name(name, image, strings->sh_offset + symbol->st_name)) return INVALID_IMAGE;
  size_t length = strlen(name), tail = sizeof SUFFIX - 1;
  if (length <= tail || strcmp(name + length - tail, SUFFIX)) return DONE;
  name[length - tail] = 0;
  if (module_function(module, name)) return DONE;
  TRY(module_add(module, name, length - tail));
  return take_sizes(module_function(module, name), image, header, symbol);
}

static Result add_symbols(Module *module, const Image *image, const Elf64_Ehdr *header,
                          const Elf64_Shdr *section) {
  Elf64_Shdr strings;
  uint64_t count = section->sh_size / sizeof(Elf64_Sym);
  if (section->sh_link >= header->e_shnum || count > MOST_SYMBOLS) return INVALID_IMAGE;
  uint64_t offset = header->e_shoff + section->sh_link * sizeof strings;
  if (!take(&strings, image, offset, sizeof strings)) return INVALID_IMAGE;
  for (uint64_t i = 0; i < count; i++) {
    Elf64_Sym symbol;
    if (!take(&symbol, image, section->sh_offset + i * sizeof symbol, sizeof symbol))
      return INVALID_IMAGE;
    TRY(add_symbol(module, image, header, &symbol, &strings));
  }
  return DONE;
}

static Result parse_elf(Module *module, const Image *image) {
  Elf64_Ehdr header;
  if (!take(&header, image, 0, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_AMD_GPU ||
      header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > MOST_SECTIONS)
    return INVALID_IMAGE;
  module->target = header.e_flags;
  for (int i = 0; i < header.e_shnum; i++) {
    Elf64_Shdr section;
    if (!take(&section, image, header.e_shoff + i * sizeof section, sizeof section))
      return INVALID_IMAGE;
    if (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM)
      TRY(add_symbols(module, image, &header, &section));
  }
  return module->count ? DONE : INVALID_IMAGE;
}

static Result parse_bundle(Module *module, const Image *image) {
  uint64_t place = sizeof BUNDLE - 1, count;
  if (!take(&count, image, place, sizeof count) || count > MOST_ENTRIES) return INVALID_IMAGE;
  place += sizeof count;
  for (uint64_t i = 0; i < count; i++) {
    struct {
      uint64_t offset, size, id_length;
    } entry;
    char id[LONGEST_ID + 1] = {0};
    if (!take(&entry, image, place, sizeof entry) || entry.id_length > LONGEST_ID ||
        !take(id, image, place + sizeof entry, entry.id_length))
      return INVALID_IMAGE;
    place += sizeof entry + entry.id_length;
    if (!strstr(id, "amdgcn") || !entry.size) continue;
    if (entry.offset > image->size || entry.size > image->size - entry.offset) return INVALID_IMAGE;
    return parse_elf(module, &(Image){image->bytes + entry.offset, entry.size});
  }
  return NO_BINARY_FOR_GPU;
}

Result module_parse_code_object(Module *module, const void *bytes, size_t size) {
  const Image given = {bytes, size}, *image = &given;
  char magic[sizeof BUNDLE - 1];
  if (!take(magic, image, 0, SELFMAG)) return INVALID_IMAGE;
  if (!memcmp(magic, ELFMAG, SELFMAG)) return parse_elf(module, image);
  bool is_bundle = take(magic, image, 0, sizeof magic) && !memcmp(magic, BUNDLE, sizeof magic);
  return is_bundle ? parse_bundle(module, image) : INVALID_IMAGE;
}
