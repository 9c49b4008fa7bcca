// What is new in a REST session's output. The server shows a window of its last lines; what came
// since the last look is what stands behind the lines that were there before.
/** The lines of a status document's buffer. */
export function linesOf(buffer) {
    return buffer === undefined ? [] : buffer.split("\n");
}
/**
 * The lines of `now` that come after those of `before`, when both are windows on the same output.
 * With several answers (lines that repeat) it is the one with the fewest new lines.
 */
export function addedLines(before, now) {
    const overlap = longestOverlap(before, now);
    return now.slice(overlap);
}
// The longest end of `before` that is a beginning of `now`: the prefix function of Knuth, Morris
// and Pratt, carried over from `now` to `before`.
function longestOverlap(before, now) {
    const borders = [0];
    let matched = 0;
    for (let i = 1; i < now.length; i += 1) {
        while (matched > 0 && now[i] !== now[matched])
            matched = borders[matched - 1];
        if (now[i] === now[matched])
            matched += 1;
        borders.push(matched);
    }
    matched = 0;
    for (const line of before) {
        if (matched === now.length)
            matched = borders[matched - 1] ?? 0;
        while (matched > 0 && line !== now[matched])
            matched = borders[matched - 1];
        if (matched < now.length && line === now[matched])
            matched += 1;
    }
    return matched;
}
