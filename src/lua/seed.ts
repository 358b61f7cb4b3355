/** Seeds for Lua's random numbers: any text to two integers that differ where texts differ. Not for secrets. */

const MULTIPLIERS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;

/** Two 64-bit integers for `math.randomseed`: four multiplicative lanes over the text, each mixed at the end. */
export function seedIntegers(seed: string): readonly [bigint, bigint] {
  const lanes = MULTIPLIERS.map((multiplier, lane) => {
    let hash = Math.imul(seed.length + lane, multiplier);
    for (let i = 0; i < seed.length; i++)
      hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ seed.charCodeAt(i), multiplier);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
    return BigInt((hash ^ (hash >>> 15)) >>> 0);
  }) as [bigint, bigint, bigint, bigint];
  return [BigInt.asIntN(64, (lanes[0] << 32n) | lanes[1]), BigInt.asIntN(64, (lanes[2] << 32n) | lanes[3])];
}
