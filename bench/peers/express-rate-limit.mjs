import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';

/** express-rate-limit with the headers of the newest draft it knows, in memory or through rate-limit-redis. */
export function expressRateLimit({ points, windowSeconds, redis, addressOf }) {
  return rateLimit({
    windowMs: windowSeconds * 1_000,
    limit: points,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => ipKeyGenerator(addressOf(request)),
    validate: false,
    ...(redis === undefined ? {} : { store: new RedisStore({ sendCommand: (...command) => redis.call(...command) }) }),
  });
}
