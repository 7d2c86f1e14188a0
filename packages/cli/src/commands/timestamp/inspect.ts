import { X509Certificate } from 'node:crypto'
import { escaped, toHex } from '@sigstack/crypto'
import { readInput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { readStamp } from './read-stamp.ts'

export async function inspectTimestamp(
  io: Io,
  file: string,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  io.err('WARNING: This command only shows what the timestamp says; nothing of it is verified.\n\n')
  const { status, statusText, token } = readStamp(await readInput(io, file), file)
  const facts = {
    status,
    ...(statusText !== undefined && { statusText }),
    ...(token !== undefined && {
      time: token.time.toISOString(),
      ...(token.accuracySeconds !== undefined && { accuracySeconds: token.accuracySeconds }),
      policy: token.policy,
      hash: token.hash,
      digest: toHex(token.imprint),
      serialNumber: token.serialNumber,
      ...(token.nonce !== undefined && { nonce: toHex(token.nonce) }),
      ordering: token.ordering,
      ...(token.signerSerialNumber !== undefined && { signedByCertificate: token.signerSerialNumber }),
      certificates: token.certificates.map(subjectOf),
    }),
  }
  if (json) return io.out(`${JSON.stringify(facts)}\n`)
  io.out(
    Object.entries(facts)
      .map(([name, value]) => `${name}: ${escaped([value].flat().join('; '), 2000)}\n`)
      .join(''),
  )
}

function subjectOf(der: Uint8Array): string {
  try {
    return escaped(new X509Certificate(der).subject.split('\n').join(', '), 1000)
  } catch {
    return 'a certificate that cannot be read'
  }
}
