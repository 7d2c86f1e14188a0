/** What the signers of the bundles among the vectors had proposed, but for the white space in an envelope. */
import { encodePem } from '@sigstack/crypto'
import { base64, json, type NamedProposal, names, type Proposal, proposalOf } from './vectors.ts'

type Bundle = {
  readonly verificationMaterial: {
    readonly certificate?: { readonly rawBytes: string }
    readonly x509CertificateChain?: { readonly certificates: readonly { readonly rawBytes: string }[] }
  }
  readonly messageSignature?: {
    readonly messageDigest: { readonly algorithm: string; readonly digest: string }
    readonly signature: string
  }
  readonly dsseEnvelope?: { readonly signatures: readonly unknown[] }
}

export function bundleProposals(): readonly NamedProposal[] {
  return names('bundles').flatMap((name): NamedProposal[] => {
    const files = names(`bundles/${name}`)
    if (!files.includes('bundle.json')) return []
    const { verificationMaterial, messageSignature, dsseEnvelope } = json(
      `bundles/${name}/bundle.json`,
    ) as Bundle
    const { certificate, x509CertificateChain } = verificationMaterial
    const { rawBytes } = certificate ?? x509CertificateChain?.certificates[0] ?? {}
    const key =
      rawBytes === undefined
        ? base64(`bundles/${name}/key.pub`)
        : Buffer.from(encodePem('CERTIFICATE', Buffer.from(rawBytes, 'base64'))).toString('base64')
    if (messageSignature !== undefined) {
      const { algorithm, digest } = messageSignature.messageDigest
      const value = Buffer.from(digest, 'base64').toString('hex')
      return [
        {
          name,
          proposal: hashedrekord(algorithm.replace('SHA2_', 'sha'), value, messageSignature.signature, key),
        },
      ]
    }
    const envelope = JSON.stringify(dsseEnvelope)
    return [
      {
        name: `${name} as dsse`,
        proposal: proposalOf('dsse', { proposedContent: { envelope, verifiers: [key] } }),
      },
      {
        name: `${name} as intoto`,
        proposal: proposalOf('intoto', { content: { envelope }, publicKey: key }),
      },
    ]
  })
}

function hashedrekord(algorithm: string, value: string, signature: string, key: string): Proposal {
  return proposalOf('hashedrekord', {
    data: { hash: { algorithm, value } },
    signature: { content: signature, publicKey: { content: key } },
  })
}
