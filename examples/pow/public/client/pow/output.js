// The output of a process on its way to those who iterate over it.
//
//   before the first iterator   the end of what came is kept, up to the bound; it gets that first
//   an iterator being read      beyond the bound the source is asked to pause (Node) ...
//   ... or nobody can pause     what is queued is still given, then `output_overrun`
import { PowError } from "./errors.js";
class Reader {
    isStarted = false;
    size = 0;
    queue = [];
    #waiting = [];
    #end;
    #taken;
    #left;
    constructor(taken, left) {
        this.#taken = taken;
        this.#left = left;
    }
    push(text) {
        const first = this.#waiting.shift();
        if (first)
            return first.resolve({ value: text, done: false });
        this.queue.push(text);
        this.size += text.length;
    }
    end(end) {
        if (this.#end)
            return;
        this.#end = end;
        for (const { resolve, reject } of this.#waiting.splice(0)) {
            if ("error" in end)
                reject(end.error);
            else
                resolve({ value: undefined, done: true });
        }
    }
    next() {
        this.isStarted = true;
        const text = this.queue.shift();
        if (text !== undefined) {
            this.size -= text.length;
            this.#taken(this);
            return Promise.resolve({ value: text, done: false });
        }
        if (!this.#end) {
            return new Promise((resolve, reject) => { this.#waiting.push({ resolve, reject }); });
        }
        const { error } = this.#end;
        this.#end = {}; // an error is told once
        return error === undefined
            ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
    }
    return() {
        this.queue.length = this.size = 0;
        this.end({});
        this.#end = {}; // also an error that nobody was told of yet
        this.#left(this);
        return Promise.resolve({ value: undefined, done: true });
    }
    [Symbol.asyncIterator]() {
        return this;
    }
}
export class Output {
    #limit;
    #source;
    #readers = new Set();
    #backlog = [];
    #backlogSize = 0;
    #isPaused = false;
    #end;
    /** @param limit  characters that may wait for one reader */
    constructor(limit, source) {
        this.#limit = limit;
        this.#source = source;
    }
    push(text) {
        this.#keep(text);
        for (const reader of this.#readers) {
            reader.push(text);
            if (reader.size <= this.#limit)
                continue;
            if (reader.isStarted && this.#source.pause(true)) {
                this.#isPaused = true;
            }
            else {
                this.#readers.delete(reader);
                reader.end({ error: new PowError("output_overrun", `more than ${this.#limit} characters of output wait for their reader`) });
            }
        }
    }
    /** No more output; with `error` the readers get it after what is queued for them. */
    end(end) {
        this.#end = end;
        for (const reader of this.#readers)
            reader.end(end);
        this.#readers.clear();
    }
    /** Iterates over the output from now on; the first one also gets what came earlier. */
    read() {
        const relieve = () => this.#relieve();
        const reader = new Reader(relieve, (gone) => {
            this.#readers.delete(gone);
            relieve();
        });
        for (const text of this.#backlog ?? [])
            reader.push(text);
        this.#backlog = undefined;
        if (this.#end)
            reader.end(this.#end);
        else
            this.#readers.add(reader);
        return reader;
    }
    #keep(text) {
        if (!this.#backlog)
            return;
        this.#backlog.push(text);
        this.#backlogSize += text.length;
        while (this.#backlogSize > this.#limit)
            this.#backlogSize -= this.#backlog.shift().length;
    }
    #relieve() {
        if (!this.#isPaused)
            return;
        if ([...this.#readers].some(({ size }) => size > this.#limit / 2))
            return;
        this.#isPaused = false;
        this.#source.pause(false);
    }
}
