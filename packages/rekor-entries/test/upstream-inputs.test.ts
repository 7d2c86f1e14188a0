import { defaultClientAlgorithms, parsePemBlock } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import { parseSignedData } from '@sigstack/timestamp/cms'
import t from 'tap'
import { verifySignedData } from '../src/cms/verify-signed-data.ts'
import { base64, bytes, dsse, text } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }

t.test('subjects and materials of a statement are search keys whatever their digest algorithm', async (t) => {
  const envelope = text('inputs/intoto/envelope-sha512-subject.json')
  const key = base64(text('inputs/intoto/envelope-sha512-subject.pub'))
  const intoto = {
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { envelope }, publicKey: key },
  }
  const subject =
    'sha512:c7694a1112ea1404a3c5852bdda04c2cc224b3567ef6ceb8204dbf2b382daacfc6837ee2ed9d5b82c90b880a3c7289778dbd5a8c2c08193459bcf7bd44581ed0'
  const material = 'sha1:a2beb590ae85674bb3afe9ef5493f718cdff8ee7'
  for (const proposal of [intoto, dsse(envelope, key)]) {
    const { kind, searchKeys } = await verifyProposal(proposal, policy)
    t.ok(searchKeys.includes(subject), kind)
    t.ok(searchKeys.includes(material), kind)
  }
})

t.test('OpenPGP signatures of GnuPG are taken with every key ring of the signer', async (t) => {
  const content = base64(bytes('inputs/pgp/hello_world.txt'))
  for (const signature of ['hello_world.txt.asc.v3.sig', 'hello_world.txt.v3.sig']) {
    for (const key of ['valid_armored_public.pgp', 'valid_binary_public.pgp']) {
      const [sig, pub] = [signature, key].map((file) => base64(bytes(`inputs/pgp/${file}`)))
      const spec = {
        data: { content },
        signature: { format: 'pgp', content: sig, publicKey: { content: pub } },
      }
      const { searchKeys } = await verifyProposal({ apiVersion: '0.0.1', kind: 'rekord', spec }, policy)
      t.ok(searchKeys.includes('not@real.com'), `${signature} by ${key}`)
    }
  }
})

t.test(
  'a PKCS#7 signature verifies with its content inside, and without it over the same content',
  async (t) => {
    const signed = parseSignedData(parsePemBlock(text('inputs/jar/sig.pkcs7.pem')).block.der)
    await t.resolves(verifySignedData(signed))
    const content = Buffer.from(signed.content ?? [])
    t.match(content.toString(), /^Signature-Version: 1\.0\r\n/)
    const detached = parseSignedData(signed.detached)
    t.equal(detached.content, undefined)
    await t.resolves(verifySignedData(detached, content))
    await t.rejects(verifySignedData(detached), { message: 'pkcs7: missing content' })
    await t.rejects(verifySignedData(detached, Buffer.concat([content, Buffer.from('x')])), {
      code: 'bad_signature',
      message: 'pkcs7: verification error',
    })
  },
)
