import t from 'tap'
import { decodeText, utf8 } from '../src/index.ts'

const utf16le = (text: string) => Buffer.from(text, 'utf16le')
const text = '{"name":"é𝄞"}\n'

t.test('a byte order mark, and UTF-16 behind one, change nothing about the text', async (t) => {
  t.equal(decodeText(utf8(text)), text)
  t.equal(decodeText(utf8(`\ufeff${text}`)), text)
  t.equal(decodeText(utf16le(`\ufeff${text}`)), text)
  t.equal(decodeText(utf16le(`\ufeff${text}`).swap16()), text)
  t.equal(decodeText(new Uint8Array()), '')
})

t.test('only one mark is taken away, and bytes that are no text are refused', async (t) => {
  t.equal(decodeText(utf8(`\ufeff\ufeff${text}`)), `\ufeff${text}`)
  const broken = [
    Buffer.from([0xc3]),
    Buffer.from([0x80]),
    utf16le('\ufeff\ud800'),
    Buffer.from([0xff, 0xfe, 1]),
  ]
  for (const bytes of broken)
    t.throws(() => decodeText(bytes), { name: 'CryptoError', code: 'bad_text' }, bytes.toString('hex'))
})
