/* What the files of a stand-in share about streams, and about the code that they run: included by
   core.h. */

#ifndef HAL_CTS_STAND_IN_STREAMS_H
#define HAL_CTS_STAND_IN_STREAMS_H

/* -- streams.c ------------------------------------------------------------------------------------------- */

typedef struct Event {
  Object object;
  _Atomic uint64_t recorded, done;
  double time; /* seconds */
} Event;

typedef enum { UNTIL_CYCLIC, UNTIL_EQUAL, UNTIL_AND, UNTIL_NOR, UNTIL_AT_LEAST } Until;

typedef enum {
  COPY,
  FILL,
  WAIT_VALUE,
  WRITE_VALUE,
  HOST_CALL,
  LAUNCH,
  RECORD,
  WAIT_EVENT,
  BECOME_LIVE,
  FREE,
} OperationKind;

typedef struct Kernel Kernel;

typedef struct {
  const Kernel *kernel; /* none: one that is not known */
  uint32_t grid[3];
  uint64_t addresses[2];
  uint32_t words[8];
  uint64_t fault; /* where it touched what it may not */
} Launch;

typedef struct Operation {
  struct Operation *next;
  OperationKind kind;
  Pin target, source;
  uint8_t *staged; /* stands for the host's pageable memory, as source or as target */
  bool is_lent;    /* `staged` is not the operation's own */
  _Atomic uint64_t *word; /* instead of a target */
  uint64_t value, mask;
  int width;
  Until until;
  void (*function)(void *);
  void *argument;
  Object *holds;
  Launch launch;
} Operation;

struct Stream {
  Object object;
  Stream *next;
  Operation *_Atomic head;
  Operation *tail;
  _Atomic uint64_t pushed, done;
  uint64_t awaited;
  bool is_closing;
  bool is_touching; /* has memory in hand */
  bool is_asleep;
  pthread_cond_t work;
};

Result stream_new(Context *context, Stream **stream);
Result stream_of(const void *handle, Stream **stream);
void stream_close(Stream *stream);
Result stream_query(Stream *stream);
Result stream_synchronize(Stream *stream);
void stream_await(Stream *stream, uint64_t number);
uint64_t stream_push(Stream *stream, Operation operation);
Result context_synchronize(Context *context);
void streams_end_of(Context *root);
Context *context_of(const Stream *stream);

/* -- operations.c: what a stream's thread does -------------------------------------------------------------- */

Result perform(Stream *stream, Operation *operation);
void operation_free(Operation *operation);
double seconds(void);

/* -- requests.c: what calls give to streams ------------------------------------------------------------------ */

Result copy(Stream *stream, uint64_t target, uint64_t source, size_t size, bool is_waited_for);
Result fill(Stream *stream, uint64_t target, int width, uint64_t value, size_t count);
Result wait_value(Stream *stream, uint64_t address, uint64_t value, uint64_t mask, Until until);
Result write_value(Stream *stream, uint64_t address, uint64_t value);
Result call_host(Stream *stream, void (*function)(void *), void *argument);
Result event_record(Event *event, Stream *stream);
Result event_wait(Stream *stream, Event *event);
Event *event_new(Context *context);
Result event_query(const Event *event);
Result event_synchronize(Event *event);
bool read_safely(void *target, const void *source, size_t size);
bool write_safely(void *target, const void *source, size_t size);

/* -- kernels.c, modules.c: code ------------------------------------------------------------------------------- */

typedef struct Module {
  Object object;
  bool is_unloaded;
  bool is_ready;   /* HSA's: its executable is frozen */
  int device;      /* HSA's: that it was loaded for */
  uint32_t target; /* an AMD code object's flags: which GPUs it is for */
  int count;
  struct Function **functions;
} Module;

typedef struct Function {
  Object object;
  Module *module;
  const Kernel *kernel;
  uint32_t group_size, private_size, argument_size; /* an AMD code object's */
  char name[];
} Function;

const Kernel *kernel_named(const char *name);
Result kernel_arguments(const Kernel *kernel, void **pointers, void **extra, Launch *launch);
size_t kernel_arguments_size(const Kernel *kernel);
Result kernel_run(Stream *stream, Launch *launch);
Result take_in_hand(Pin *pin);
void put_down(Pin *pin);
Result launch(Stream *stream, Function *function, const uint32_t grid[3], const uint32_t block[3],
              void **pointers, void **extra);
Module *module_new(Context *context);
void module_end(Module *module);
Result module_add(Module *module, const char *name, size_t length);
Function *module_function(const Module *module, const char *name);
Result module_parse_ptx(Module *module, const char *image);
Result module_parse_code_object(Module *module, const void *image, size_t size);

#endif
