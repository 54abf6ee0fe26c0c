// Values of JavaScript to and from C++. Anything unexpected is a bug of the TypeScript side: it
// throws, and nothing is read that is not there.
#pragma once
#include <node_api.h>
#include <string.h>

#include <string>

#include "../runtime/executable.h"

namespace {

using namespace corral;

napi_value throwBug(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

struct Bytes {
  uint8_t* data = nullptr;
  size_t bytes = 0;
  napi_typedarray_type type = napi_uint8_array;
};

size_t elementBytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array: case napi_uint8_array: case napi_uint8_clamped_array: return 1;
    case napi_int16_array: case napi_uint16_array: return 2;
    case napi_int32_array: case napi_uint32_array: case napi_float32_array: return 4;
    default: return 8;
  }
}

bool getBytes(napi_env env, napi_value value, Bytes* out) {
  bool isTyped = false;
  if (napi_is_typedarray(env, value, &isTyped) != napi_ok || !isTyped) return false;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &out->type, &length, &data, nullptr, nullptr) !=
      napi_ok) {
    return false;
  }
  out->data = (uint8_t*)data;
  out->bytes = length * elementBytes(out->type);
  return true;
}

bool getSize(napi_env env, napi_value value, uint64_t* out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= 0 && number <= 9007199254740991.0)) return false;
  *out = (uint64_t)number;
  return true;
}

bool getString(napi_env env, napi_value value, std::string* out) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  out->resize(length + 1);
  napi_get_value_string_utf8(env, value, &(*out)[0], length + 1, &length);
  out->resize(length);
  return true;
}

template <class T>
T* getExternal(napi_env env, napi_value value) {
  void* data = nullptr;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  napi_get_value_external(env, value, &data);
  return (T*)data;
}

template <size_t N>
bool getArguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  return napi_get_cb_info(env, info, &count, values, nullptr, nullptr) == napi_ok && count == N;
}

napi_value statusValue(napi_env env, const Status& status) {
  napi_value array, buffer;
  void* data = nullptr;
  const double fields[] = {(double)status.code, (double)status.op, (double)status.value,
                           status.found,        status.lowest,     status.highest};
  napi_create_arraybuffer(env, sizeof fields, &data, &buffer);
  memcpy(data, fields, sizeof fields);
  napi_create_typedarray(env, napi_float64_array, sizeof fields / sizeof(double), buffer, 0,
                         &array);
  return array;
}

napi_value stringArray(napi_env env, const char* const* strings, int count) {
  napi_value array, string;
  napi_create_array(env, &array);
  for (int i = 0; i < count && strings[i] != nullptr; i++) {
    napi_create_string_utf8(env, strings[i], NAPI_AUTO_LENGTH, &string);
    napi_set_element(env, array, (uint32_t)i, string);
  }
  return array;
}

}  // namespace
