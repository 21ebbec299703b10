// What a native driver can do to its process: one function a fault, and a way to have one happen at
// the process's exit, when Python is gone already.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace {

volatile int *nowhere = nullptr;

__attribute__((noinline, optimize("O0"))) int recurse(int depth) {
  volatile char frame[4096];
  memset(const_cast<char *>(frame), depth, sizeof frame);
  return recurse(depth + 1) + frame[7];
}

void (*at_exit)() = nullptr;

struct AtExit {
  ~AtExit() {
    if (at_exit) at_exit();
  }
} runs_at_exit;

}  // namespace

extern "C" {

void segfault() {
  printf("native stdout before the end\n");
  *nowhere = 1;
}

void abort_it() {
  fprintf(stderr, "native: assertion failed\n");
  abort();
}

void throw_it() { throw std::runtime_error("the driver threw"); }

void overflow_stack() { recurse(0); }

void exit_quietly() { _exit(0); }

// Called with or without Python's global lock, as the caller loads the library.
void hang() {
  for (;;) pause();
}

void stop_itself() { raise(SIGSTOP); }

void eat_memory() {
  for (;;) {
    size_t size = 16u << 20;
    char *block = static_cast<char *>(malloc(size));
    if (block) memset(block, 1, size);
    usleep(20000);  // so that whoever watches has the time to see it
  }
}

void flood() {
  static char line[1 << 16];
  memset(line, 'x', sizeof line);
  for (;;) {
    if (write(1, line, sizeof line) < 0) usleep(1000);
  }
}

void close_descriptors() {
  for (int fd = 3; fd < 1024; fd++) close(fd);
}

void exhaust_descriptors() {
  struct rlimit limit = {256, 256};
  setrlimit(RLIMIT_NOFILE, &limit);
  while (open("/dev/null", O_RDONLY) >= 0) {
  }
}

void change_handler() { signal(SIGTERM, [](int) {}); }

void segfault_later() {
  std::thread([] {
    usleep(100000);
    *nowhere = 1;
  }).detach();
}

void arm(void (*fault)()) { at_exit = fault; }
}
