/** Against Node's own. */
import fc from 'fast-check'
import t from 'tap'
import { base64Length, decodeBase64, encodeBase64 } from '../src/base64.ts'

fc.configureGlobal({ seed: 1 })

const decode = (text: string): Buffer | undefined => {
  const target = Buffer.alloc(text.length + 8, 0xaa)
  // Somewhere in the middle of both.
  const end = decodeBase64(Buffer.from(`+${text}A`), 1, 1 + text.length, target, 3)
  return end === undefined ? undefined : target.subarray(3, end)
}

const encode = (bytes: Uint8Array): string => {
  const target = Buffer.alloc(base64Length(bytes.length) + 8)
  const end = encodeBase64(Buffer.concat([Buffer.of(7), bytes, Buffer.of(7)]), 1, 1 + bytes.length, target, 5)
  return target.toString('latin1', 5, end)
}

t.test('what is encoded is what Node encodes, and is decoded again', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      return encode(bytes) === text && decode(text)?.equals(bytes) === true
    }),
    { numRuns: 500 },
  )
  t.equal(encode(Buffer.alloc(0)), '')
})

t.test('a text is decoded where encoding gives it again, and only there', async () => {
  const unit = fc.constantFrom(...'ABQgZaz09+/'.split(''))
  const padded = fc.tuple(fc.string({ unit, maxLength: 12 }), fc.constantFrom('', '=', '=='))
  fc.assert(
    fc.property(padded, ([characters, padding]) => {
      const text = characters + padding
      const expected = Buffer.from(text, 'base64')
      const isExact = text !== '' && expected.toString('base64') === text
      const found = decode(text)
      return isExact ? found?.equals(expected) === true : found === undefined
    }),
    { numRuns: 20_000 },
  )
  for (const text of ['', 'A', 'AB', 'ABC', '=', '==', 'AB=C', 'A==', 'AB==AB==', 'AB==', 'ABC='])
    t.same(decode(text), undefined, text)
  t.same(decode('AA=='), Buffer.of(0))
  t.same(decode('//8='), Buffer.of(255, 255))
  const target = Buffer.alloc(8)
  t.equal(decodeBase64(Buffer.from('AAAA\nAA=='), 0, 9, target, 0, 1), 4)
  t.equal(decodeBase64(Buffer.from('AAAA\nAA=='), 0, 9, target, 0), undefined)
})
