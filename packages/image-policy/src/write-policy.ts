/** The file of a policy, with what each member means beside it. */
import { Document, type Pair, type Scalar, visit } from 'yaml'
import type { ImagePolicy } from './policy.ts'

const comments: Readonly<Record<string, string>> = {
  mode: ' enforce, or warn',
  otherwise: ' images that no rule covers: allow, or deny',
  signatures: ' the forms in which images are signed: bundle, legacy, or both',
  images: ' repositories: * for what has no / in it, ** for anything',
  signedBy: ' one of them suffices',
  attestations: ' predicate types that one of them must have attested too',
  log: ' required, or off',
}

export function writeImagePolicy(policy: ImagePolicy): string {
  const { name, mode, otherwise, signatures, rules, trustedRoot } = policy
  const document = new Document({
    version: 1,
    name,
    mode,
    otherwise,
    signatures,
    rules: rules.map(({ attestations, ...rule }) => ({
      ...rule,
      ...(attestations.length > 0 && { attestations }),
    })),
    ...(trustedRoot !== undefined && { trustedRoot }),
  })
  const told = new Set<string>()
  visit(document, {
    Pair: (_, pair: Pair) => {
      const key = pair.key as Scalar<string>
      const comment = comments[key.value]
      if (comment === undefined || told.has(key.value)) return
      told.add(key.value)
      key.commentBefore = comment
    },
  })
  return document.toString({ lineWidth: 0 })
}
