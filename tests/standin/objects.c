/* Handles: numbers that are never used twice, so that one whose object has ended is known as such.

   An object lives until its handle has ended and nothing refers to it any more. */

#include "core.h"

#include <stdlib.h>


static const uintptr_t FIRST = 0x5a0000000, STEP = 16;

static Object **objects;
static size_t count, capacity;

/* Zeroed, with one reference, which is the handle's. */
void *object_new(ObjectKind kind, size_t size, Context *owner) {
  if (count == capacity) {
    capacity = capacity ? 2 * capacity : 256;
    objects = realloc(objects, capacity * sizeof *objects);
    if (!objects) abort();
  }
  Object *object = calloc(1, size);
  if (!object) abort();
  object->kind = kind;
  object->references = 1;
  object->owner = owner;
  object->handle = (void *)(FIRST + STEP * count);
  objects[count++] = object;
  return object;
}

static size_t place_of(const void *handle) { return ((uintptr_t)handle - FIRST) / STEP; }

/* None for what is no handle of that kind, or no more. */
void *object_of(ObjectKind kind, const void *handle) {
  uintptr_t number = (uintptr_t)handle;
  if (number < FIRST || (number - FIRST) % STEP || place_of(handle) >= count) return NULL;
  Object *object = objects[place_of(handle)];
  return object && (kind == ANY_OBJECT || object->kind == kind) ? object : NULL;
}

void object_keep(Object *object) { object->references++; }

void object_drop(Object *object) {
  if (!object || --object->references) return;
  if (object->release) object->release(object);
  free(object);
}

/* Ends the handle. */
void object_end(Object *object) {
  size_t place = place_of(object->handle);
  if (objects[place] != object) return;
  objects[place] = NULL;
  object_drop(object);
}

/* Of everything in a context but contexts, which are kept to be known as gone. */
void objects_end_of(Context *root) {
  for (size_t i = 0; i < count; i++) {
    Object *object = objects[i];
    if (object && object->kind != CONTEXT && object->owner && object->owner->root == root)
      object_end(object);
  }
}
