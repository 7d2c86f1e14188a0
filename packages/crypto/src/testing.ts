/** Texts for tests. */
import fc from 'fast-check'

/**
 * Any Unicode code point but surrogates, each kind as often as another. The units of fast-check itself that go beyond ASCII are made from
 * tables of all of them, for which each process pays a second.
 */
export const anyCodePoint = fc
  .oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
