-- Tells what an error says that it was given.
return { run = function(err, more)
    return { kind = err:kind(), message = err:message(), retryable = err:retryable(), place = err:details().place,
        more = more }
end }
