#include "actors/amqp/field_table.hpp"

#include "hub/payload.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace natterjack::amqp {

namespace {

constexpr int checked_entries_max = 64; // longer tables are not searched for duplicate keys

// -1 unless `number` stands for an earlier entry of the same name.
bool is_repeated(const amqp_table_t& table, int number) noexcept {
  for (int i = 0; i < number; ++i)
    if (view(table.entries[i].key) == view(table.entries[number].key))
      return true;
  return false;
}

const amqp_field_value_t& last_of(const amqp_table_t& table, int number) noexcept {
  for (int i = table.num_entries - 1; i > number; --i)
    if (view(table.entries[i].key) == view(table.entries[number].key))
      return table.entries[i].value;
  return table.entries[number].value;
}

} // namespace

void append_json(std::string& out, const amqp_table_t& table, number_style style) {
  const bool check = table.num_entries <= checked_entries_max;
  bool first = true;
  out += '{';
  for (int i = 0; i < table.num_entries; ++i) {
    if (check && is_repeated(table, i))
      continue;
    if (!std::exchange(first, false))
      out += ", ";
    append_python_text(out, view(table.entries[i].key));
    out += ": ";
    append_json(out, check ? last_of(table, i) : table.entries[i].value, style);
  }
  out += '}';
}

void append_json(std::string& out, const amqp_field_value_t& value, number_style style) {
  const auto& v = value.value;
  switch (value.kind) {
  case AMQP_FIELD_KIND_BOOLEAN:
    out += v.boolean != 0 ? "true" : "false";
    break;
  case AMQP_FIELD_KIND_I8:
    out += std::to_string(v.i8);
    break;
  case AMQP_FIELD_KIND_U8:
    out += std::to_string(v.u8);
    break;
  case AMQP_FIELD_KIND_I16:
    out += std::to_string(v.i16);
    break;
  case AMQP_FIELD_KIND_U16:
    out += std::to_string(v.u16);
    break;
  case AMQP_FIELD_KIND_I32:
    out += std::to_string(v.i32);
    break;
  case AMQP_FIELD_KIND_U32:
    out += std::to_string(v.u32);
    break;
  case AMQP_FIELD_KIND_I64:
    out += std::to_string(v.i64);
    break;
  case AMQP_FIELD_KIND_U64:
    out += std::to_string(static_cast<int64_t>(v.u64)); // as CLU's library reads an 'L'
    break;
  case AMQP_FIELD_KIND_F32:
    append_python_float(out, static_cast<double>(v.f32), style);
    break;
  case AMQP_FIELD_KIND_F64:
    append_python_float(out, v.f64, style);
    break;
  case AMQP_FIELD_KIND_UTF8:
    if (hub::is_utf8(view(v.bytes)))
      append_python_text(out, view(v.bytes));
    else
      out += "null";
    break;
  case AMQP_FIELD_KIND_ARRAY:
    out += '[';
    for (int i = 0; i < v.array.num_entries; ++i) {
      out += i == 0 ? "" : ", ";
      append_json(out, v.array.entries[i], style);
    }
    out += ']';
    break;
  case AMQP_FIELD_KIND_TABLE:
    append_json(out, v.table, style);
    break;
  default:
    out += "null";
    break;
  }
}

json_value to_json(const amqp_field_value_t& value) {
  std::string text;
  append_json(text, value, number_style::exact);
  json_error error;
  return json_value::parse(text, error, static_cast<size_t>(-1)).value_or(json_value{});
}

json_value to_json(const amqp_table_t& table) {
  std::string text;
  append_json(text, table, number_style::exact);
  json_error error;
  return json_value::parse(text, error, static_cast<size_t>(-1)).value_or(json_value{});
}

const amqp_field_value_t* find(const amqp_table_t& table, std::string_view key) noexcept {
  for (int i = table.num_entries - 1; i >= 0; --i)
    if (view(table.entries[i].key) == key)
      return &table.entries[i].value;
  return nullptr;
}

// -- to AMQP ------------------------------------------------------------------

namespace {

constexpr size_t key_bytes_max = 128; // AMQP 0-9-1, 4.2.5.5

amqp_bytes_t keep(std::string_view text, memory_pool& pool) {
  if (has_surrogate(text))
    throw std::invalid_argument("a header holds a lone surrogate, which UTF-8 cannot say");
  amqp_bytes_t result{text.size(), nullptr};
  if (!text.empty()) {
    result.bytes = pool.allocate(text.size());
    std::memcpy(result.bytes, text.data(), text.size());
  }
  return result;
}

void put_integer(amqp_field_value_t& to, const json_value& value) {
  const auto number = value.integer();
  if (!number)
    throw std::invalid_argument("a header holds the integer " + value.text().substr(0, 30) +
                                ", which is beyond 64 bits");
  const auto n = *number;
  if (n >= INT8_MIN && n <= INT8_MAX) {
    to.kind = AMQP_FIELD_KIND_I8;
    to.value.i8 = static_cast<int8_t>(n);
  } else if (n >= INT16_MIN && n <= INT16_MAX) {
    to.kind = AMQP_FIELD_KIND_I16;
    to.value.i16 = static_cast<int16_t>(n);
  } else if (n >= 0 && n <= UINT16_MAX) {
    to.kind = AMQP_FIELD_KIND_U16;
    to.value.u16 = static_cast<uint16_t>(n);
  } else if (n >= INT32_MIN && n <= INT32_MAX) {
    to.kind = AMQP_FIELD_KIND_I32;
    to.value.i32 = static_cast<int32_t>(n);
  } else if (n >= 0 && n <= UINT32_MAX) {
    to.kind = AMQP_FIELD_KIND_U32;
    to.value.u32 = static_cast<uint32_t>(n);
  } else {
    to.kind = AMQP_FIELD_KIND_I64;
    to.value.i64 = n;
  }
}

void put(amqp_field_value_t& to, const json_value& value, memory_pool& pool) {
  using kind = json_value::kind;
  switch (value.what()) {
  case kind::null:
    to.kind = AMQP_FIELD_KIND_VOID;
    break;
  case kind::boolean:
    to.kind = AMQP_FIELD_KIND_BOOLEAN;
    to.value.boolean = value.boolean() ? 1 : 0;
    break;
  case kind::integer:
    put_integer(to, value);
    break;
  case kind::real:
    if (!std::isfinite(value.real())) // RabbitMQ's language has no such number: it hangs up
      throw std::invalid_argument("a header holds " + value.to_python_repr() +
                                  ", which is no finite number");
    to.kind = AMQP_FIELD_KIND_F64;
    to.value.f64 = value.real();
    break;
  case kind::text:
    to.kind = AMQP_FIELD_KIND_UTF8;
    to.value.bytes = keep(value.text(), pool);
    break;
  case kind::array: {
    const auto count = value.elements().size();
    to.kind = AMQP_FIELD_KIND_ARRAY;
    to.value.array.num_entries = static_cast<int>(count);
    to.value.array.entries =
        static_cast<amqp_field_value_t*>(pool.allocate((count + 1) * sizeof(amqp_field_value_t)));
    for (size_t i = 0; i < count; ++i)
      put(to.value.array.entries[i], value.elements()[i], pool);
    break;
  }
  case kind::object:
    to.kind = AMQP_FIELD_KIND_TABLE;
    to.value.table = to_table(value, pool);
    break;
  }
}

} // namespace

amqp_table_t to_table(const json_value& object, memory_pool& pool) {
  const auto& members = object.members();
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&members](size_t a, size_t b) { return members[a].first < members[b].first; });
  amqp_table_t table{static_cast<int>(members.size()), nullptr};
  table.entries = static_cast<amqp_table_entry_t*>(
      pool.allocate((order.size() + 1) * sizeof(amqp_table_entry_t)));
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& [key, value] = members[order[i]];
    if (key.size() > key_bytes_max)
      throw std::invalid_argument("the header name \"" + key.substr(0, 30) + "…\" is over " +
                                  std::to_string(key_bytes_max) + " bytes");
    table.entries[i].key = keep(key, pool);
    put(table.entries[i].value, value, pool);
  }
  return table;
}

} // namespace natterjack::amqp
