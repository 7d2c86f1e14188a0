/** Proposals of all kinds, from the vectors of the package that reads them. */
import { bundleProposals } from './bundle-proposals.ts'
import { base64, json, type NamedProposal, names, type Proposal, proposalOf } from './vectors.ts'

export function allProposals(): readonly NamedProposal[] {
  return [
    ...wholeProposals(),
    ...packages(),
    ...tufProposals(),
    ...rekords(),
    ...bundleProposals(),
    ...clientAlgorithms(),
  ]
}

function wholeProposals(): readonly NamedProposal[] {
  const examples = new Set([
    'hashedrekord',
    'dsse',
    'intoto-0.0.1',
    'intoto-0.0.2-two-signers',
    'cose',
    'rfc3161',
  ])
  return [
    ...names('derived')
      .filter((file) => file !== 'rejected.json')
      .map((file) => {
        const name = file.replace('.json', '')
        const { proposal } = json(`derived/${file}`) as { proposal: Proposal }
        return { name, proposal, isExample: examples.has(name) || name.startsWith('rekord-') }
      }),
    ...Object.entries(json('derived/rejected.json') as Record<string, { proposal: Proposal }>).map(
      ([name, { proposal }]) => ({ name: `rejected ${name}`, proposal }),
    ),
    ...names('proposals').map((file) => ({
      name: `proposals/${file}`,
      proposal: json(`proposals/${file}`) as Proposal,
      isExample: /^(rpm|helm)/.test(file),
    })),
  ]
}

function packages(): readonly NamedProposal[] {
  const apk = { content: base64('inputs/alpine/test.apk') }
  const jar = { content: base64('inputs/jar/test.jar') }
  const rpm = { content: base64('inputs/rpm/test.rpm') }
  const publicKey = (name: string) => ({ publicKey: { content: base64(name) } })
  return [
    {
      name: 'alpine',
      proposal: proposalOf('alpine', { package: apk, ...publicKey('inputs/alpine/key.pub') }),
      isExample: true,
    },
    { name: 'jar', proposal: proposalOf('jar', { archive: jar }), isExample: true },
    {
      name: 'rpm by the key of an apk',
      proposal: proposalOf('rpm', { package: rpm, ...publicKey('inputs/alpine/key.pub') }),
    },
    {
      name: 'apk by the key of an rpm',
      proposal: proposalOf('alpine', { package: apk, ...publicKey('inputs/rpm/key.asc') }),
    },
    { name: 'an rpm as jar', proposal: proposalOf('jar', { archive: rpm }) },
  ]
}

function tufProposals(): readonly NamedProposal[] {
  const files = names('inputs/tuf')
  return files.flatMap((metadata) =>
    files.map((root) => ({
      name: `tuf ${metadata} under ${root}`,
      proposal: proposalOf('tuf', {
        metadata: { content: json(`inputs/tuf/${metadata}`) },
        root: { content: json(`inputs/tuf/${root}`) },
      }),
      isExample: metadata === 'timestamp.json' && root === 'root.json',
    })),
  )
}

type Rekord = { readonly format: string; readonly signature: string; readonly key: string }

function rekord(format: string, data: string, signature: string, key: string): Proposal {
  return proposalOf('rekord', {
    data: { content: base64(data) },
    signature: { format, content: base64(signature), publicKey: { content: base64(key) } },
  })
}

function rekords(): readonly NamedProposal[] {
  const named = (at: string, data: string, list: string): NamedProposal[] =>
    (json(list) as Rekord[]).map(({ format, signature, key }) => ({
      name: `rekord ${signature} by ${key}`,
      proposal: rekord(format, `${at}/${data}`, `${at}/${signature}`, `${at}/${key}`),
      isExample: signature === 'pgp-ward.sig' && key === 'pgp-ward.asc',
    }))
  return [
    ...named('made', 'artifact', 'expected/rekord-made.json'),
    ...named('inputs/pgp', 'hello_world.txt', 'expected/rekord-pgp.json'),
  ]
}

/** Each signature of Rekor's own test of its list of algorithms, as rekord: there the file travels. */
function clientAlgorithms(): readonly NamedProposal[] {
  const at = 'inputs/client-algorithms'
  return names(at)
    .filter((file) => file.endsWith('.sig'))
    .map((file) => {
      const [data = '', algorithm = ''] = file.split('.')
      const key = `${/^[a-z]+(?:25519)?/.exec(algorithm)?.[0] ?? ''}_public.pem`
      return {
        name: `rekord ${file}`,
        proposal: rekord('x509', `${at}/${data}`, `${at}/${file}`, `${at}/${key}`),
      }
    })
}
