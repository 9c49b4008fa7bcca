// The REST side of a service: which request goes where, and what is said when none fits.
#pragma once

#include "actors/pow/documents.hpp"
#include "actors/pow/rest_session.hpp"

namespace natterjack::pow {

class rest_routes {
 public:
  explicit rest_routes(std::shared_ptr<service_core> core);

  /// Answers any plain HTTP request. On an io thread.
  void handle(std::shared_ptr<const relay::http_request> request, relay::http_reply reply);

  /// Cancels all sessions and forgets them.
  void shut_down();

 private:
  using request_ptr = std::shared_ptr<const relay::http_request>;

  bool handle_document(const relay::http_request& request, std::string_view rest,
                       const relay::http_reply& reply) const;
  void handle_new(const request_ptr& request, const relay::http_reply& reply);
  void handle_session(std::string_view action, const std::string& id, request_ptr request,
                      relay::http_reply reply);

  std::shared_ptr<service_core> core_;
  std::shared_ptr<rest_table> sessions_ = std::make_shared<rest_table>();
  documents documents_;
};

} // namespace natterjack::pow
