// JSON Schema, draft 7, as far as actors' schemas go: what a reply may look like.
//
//   understood   type, enum, const; properties, patternProperties, additionalProperties,
//                propertyNames, required, dependencies, min/maxProperties; items, additionalItems,
//                contains, min/maxItems, uniqueItems; min/maxLength, pattern; minimum, maximum,
//                exclusiveMinimum/Maximum, multipleOf; allOf, anyOf, oneOf, not, if/then/else;
//                $ref within the document; true and false
//   passed over  format, title, description, default and whatever else says nothing about validity
#pragma once

#include "actors/amqp/json_value.hpp"

#include <memory>
#include <string>

namespace natterjack::amqp {

class json_schema {
 public:
  /// Reads a schema; patterns are compiled once.
  /// @throws std::invalid_argument  for what is no schema: a bad pattern, a $ref to nowhere, …
  explicit json_schema(json_value document);
  ~json_schema();
  json_schema(json_schema&&) noexcept;
  json_schema& operator=(json_schema&&) noexcept;

  const json_value& document() const noexcept;

  /// @param problem  set to where and why when the result is false: "done: is not of type string"
  bool accepts(const json_value& value, std::string* problem = nullptr) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace natterjack::amqp
