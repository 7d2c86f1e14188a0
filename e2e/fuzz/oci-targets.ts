/** What registries, credential helpers and token services send. */
import {
  parseChallenges,
  parseDockerConfig,
  parseHelperAnswer,
  parseIndex,
  parseManifest,
  parseReference,
  parseReferrers,
  parseTags,
  parseToken,
  referenceText,
} from '@sigstack/oci'
import type { Target } from './target.ts'

const digest = `sha256:${'44136fa355b3678a'.repeat(4)}`
const descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 2,
  digest,
  artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  annotations: { 'dev.sigstore.bundle.content': 'dsse-envelope' },
  platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
}
const manifest = {
  schemaVersion: 2,
  mediaType: descriptor.mediaType,
  config: descriptor,
  layers: [descriptor],
  subject: descriptor,
  annotations: { a: 'b' },
}
const index = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [descriptor, descriptor],
}
const config = {
  auths: {
    'registry.example': { auth: 'YWxpY2U6c2VjcmV0' },
    'https://index.docker.io/v1/': { username: 'a', password: 'b', identitytoken: 'c' },
  },
  credHelpers: { 'ecr.example': 'ecr-login' },
  credsStore: 'desktop',
}
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const texts = (...values: readonly string[]): readonly Uint8Array[] =>
  values.map((value) => Buffer.from(value))
const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8')

export function ociTargets(): readonly Target[] {
  const refusals = ['OciError']
  return [
    {
      name: 'oci-manifest',
      form: 'json',
      seeds: [json(manifest)],
      refusals,
      run: (input) => parseManifest(input),
    },
    { name: 'oci-index', form: 'json', seeds: [json(index)], refusals, run: (input) => parseIndex(input) },
    { name: 'oci-referrers', form: 'json', seeds: [json(index)], refusals, run: parseReferrers },
    {
      name: 'oci-tags',
      form: 'json',
      seeds: [json({ name: 'team/app', tags: ['v1', 'latest'] })],
      refusals,
      run: (input) => parseTags(input),
    },
    {
      name: 'oci-reference',
      form: 'text',
      seeds: texts('registry.example:5000/team/app:v1', `docker.io/alpine@${digest}`, '[::1]:5000/a/b'),
      refusals,
      run(input) {
        const reference = parseReference(text(input))
        const again = parseReference(referenceText(reference))
        if (JSON.stringify(again) !== JSON.stringify(reference))
          throw new Error(`two readings of one reference: ${text(input)}`)
        return reference
      },
    },
    {
      name: 'registry-challenge',
      form: 'text',
      seeds: texts(
        'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
        'Negotiate, Basic realm="a \\"b\\"", Digest qop=auth',
      ),
      refusals,
      run: (input) => parseChallenges(text(input)),
    },
    {
      name: 'registry-token',
      form: 'json',
      seeds: [json({ token: 'abc', access_token: 'abc', expires_in: 300, refresh_token: 'def' })],
      refusals,
      run: (input) => parseToken(text(input), new Date(0), 'auth.example'),
    },
    {
      name: 'docker-config',
      form: 'json',
      seeds: [json(config)],
      refusals,
      run: (input) => parseDockerConfig(text(input), 'config.json'),
    },
    {
      name: 'credential-helper',
      form: 'json',
      seeds: [json({ ServerURL: 'registry.example', Username: '<token>', Secret: 'x' })],
      refusals,
      run: (input) => parseHelperAnswer(text(input), 'docker-credential-x'),
    },
  ]
}
