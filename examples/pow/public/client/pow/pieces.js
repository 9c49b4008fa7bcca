// Cuts text to the size of a message: input is a stream, a server takes no message over its limit.
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();
/** The text in pieces of at most `bytesMax` bytes of UTF-8 (4 or more), no character cut in two. */
export function* pieces(text, bytesMax) {
    if (text.length * 3 <= bytesMax) { // three bytes of UTF-8 at most for each unit
        if (text !== "")
            yield text;
        return;
    }
    const bytes = encoder.encode(text);
    for (let begin = 0, end = 0; begin < bytes.length; begin = end) {
        end = Math.min(begin + bytesMax, bytes.length);
        while (end < bytes.length && isContinuation(bytes[end]))
            end -= 1;
        yield decoder.decode(bytes.subarray(begin, end));
    }
}
function isContinuation(byte) {
    return (byte & 0xc0) === 0x80;
}
