#include "actors/amqp/connection.hpp"
#include "actors/amqp/session.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::amqp {

void connection::on_frame(session& wire, const amqp_frame_t_& frame) {
  if (frame.channel == 0) {
    on_connection_frame(wire, frame);
  } else if (frame.channel <= lane_count) {
    on_lane_frame(wire, *lanes_[frame.channel - 1U], frame);
    wire.release_buffers(frame.channel);
  } else if (auto i = consumers_.find(frame.channel); i != consumers_.end()) {
    if (frame.frame_type == AMQP_FRAME_HEADER)
      ++stats_.deliveries;
    i->second->on_frame(wire, frame);
  } else {
    wire.release_buffers(frame.channel);
  }
}

void connection::on_connection_frame(session& wire, const amqp_frame_t_& frame) {
  if (frame.frame_type != AMQP_FRAME_METHOD)
    return;
  const auto& method = frame.payload.method;
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD)
    throw wire.on_connection_close(*static_cast<amqp_connection_close_t*>(method.decoded));
  if (method.id == AMQP_CONNECTION_BLOCKED_METHOD) {
    const std::string why(view(static_cast<amqp_connection_blocked_t*>(method.decoded)->reason));
    spdlog::warn("broker {}: publishing is blocked: {}", to_string(options_), why);
    change(link_state::blocked, why);
  } else if (method.id == AMQP_CONNECTION_UNBLOCKED_METHOD) {
    spdlog::info("broker {}: publishing goes on", to_string(options_));
    change(link_state::up);
  }
  wire.release_buffers(0);
}

void connection::on_lane_frame(session& wire, publisher& lane, const amqp_frame_t_& frame) {
  auto& r = returned_[lane.channel() - 1U];
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    r.left = frame.payload.properties.body_size;
    const auto* p = static_cast<amqp_basic_properties_t*>(frame.payload.properties.decoded);
    if (r.open && (p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0)
      lane.on_return(view(p->message_id), r.why);
    r.open = false;
    return;
  }
  if (frame.frame_type != AMQP_FRAME_METHOD)
    return; // the body of what came back
  const auto& method = frame.payload.method;
  switch (method.id) {
  case AMQP_BASIC_ACK_METHOD: {
    const auto& ack = *static_cast<amqp_basic_ack_t*>(method.decoded);
    lane.on_ack(ack.delivery_tag, ack.multiple != 0, true);
    break;
  }
  case AMQP_BASIC_NACK_METHOD: {
    const auto& nack = *static_cast<amqp_basic_nack_t*>(method.decoded);
    lane.on_ack(nack.delivery_tag, nack.multiple != 0, false);
    break;
  }
  case AMQP_BASIC_RETURN_METHOD: {
    const auto& back = *static_cast<amqp_basic_return_t*>(method.decoded);
    r.open = true;
    r.why = std::to_string(back.reply_code) + " " + std::string(view(back.reply_text));
    break;
  }
  case AMQP_CHANNEL_CLOSE_METHOD: {
    const auto& close = *static_cast<amqp_channel_close_t*>(method.decoded);
    const auto why = std::to_string(close.reply_code) + " " + std::string(view(close.reply_text));
    spdlog::warn("broker {}: publishing channel closed: {}", to_string(options_), why);
    wire.confirm_channel_closed(lane.channel());
    r = {};
    // Somebody has deleted an exchange: perhaps one that our queues were bound to.
    declare_again_ = declare_again_ || close.reply_code == AMQP_NOT_FOUND;
    lane.on_lost(why, close.reply_code);
    break;
  }
  default:
    break;
  }
}

} // namespace natterjack::amqp
