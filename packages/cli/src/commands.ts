/** The commands, as help and completion list them. */
import type { Command } from 'commander'
import type { Io } from './io.ts'

export type CommandOfProgram = {
  readonly summary: string
  /** Takes its words as cosign does, whose command it is. */
  readonly isCosign?: true
  /** Reads in registries and nothing else: ends after cosign's three minutes unless --timeout says otherwise. */
  readonly isBounded?: true
  /** Only the command that is called is loaded: some bring servers and a database along. */
  readonly load: () => Promise<(program: Command, io: Io) => void>
}

/** But for those that need the program itself. */
export const mostCommands: Readonly<Record<string, CommandOfProgram>> = {
  up: {
    summary: 'start the whole stack in this process',
    load: async () => (await import('./commands/up.ts')).addUp,
  },
  sign: {
    summary: 'sign images in a registry',
    isCosign: true,
    load: async () => (await import('./commands/images/sign.ts')).addSign,
  },
  verify: {
    summary: 'verify signatures of images',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/verify.ts')).addVerify,
  },
  attest: {
    summary: 'sign what a predicate says of an image',
    isCosign: true,
    load: async () => (await import('./commands/images/attest.ts')).addAttest,
  },
  'verify-attestation': {
    summary: 'verify what is attested of images',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/verify-attestation.ts')).addVerifyAttestation,
  },
  manifest: {
    summary: 'verify the images of resources of Kubernetes',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/manifest.ts')).addManifest,
  },
  dockerfile: {
    summary: 'verify the images that a Dockerfile builds upon',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/dockerfile.ts')).addDockerfile,
  },
  tree: {
    summary: 'list what is attached to an image',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/tree.ts')).addTree,
  },
  triangulate: {
    summary: 'print the old tag of what is attached to an image',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/triangulate.ts')).addTriangulate,
  },
  generate: {
    summary: 'print what an old signature of an image is over',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/generate.ts')).addGenerate,
  },
  download: {
    summary: 'print what is attached to an image',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/download.ts')).addDownload,
  },
  attach: {
    summary: 'attach to an image what was made elsewhere',
    isCosign: true,
    load: async () => (await import('./commands/images/attach.ts')).addAttach,
  },
  copy: {
    summary: 'copy an image and what is attached to it',
    isCosign: true,
    load: async () => (await import('./commands/images/copy.ts')).addCopy,
  },
  save: {
    summary: 'save an image and what is attached to it in a folder',
    isCosign: true,
    load: async () => (await import('./commands/images/save.ts')).addSave,
  },
  load: {
    summary: 'put a saved image and what is attached to it into a registry',
    isCosign: true,
    load: async () => (await import('./commands/images/load.ts')).addLoad,
  },
  clean: {
    summary: 'remove what is attached to an image',
    isCosign: true,
    load: async () => (await import('./commands/images/clean.ts')).addClean,
  },
  pack: {
    summary: 'carry images, signatures and trust in one file',
    isCosign: true,
    load: async () => (await import('./commands/packs/pack.ts')).addPack,
  },
  init: {
    summary: 'trust an instance, and keep it as a profile',
    load: async () => (await import('./commands/profiles/init.ts')).addInit,
  },
  initialize: {
    summary: 'trust the TUF repository of an instance, as cosign does',
    isCosign: true,
    load: async () => (await import('./commands/profiles/initialize.ts')).addInitialize,
  },
  doctor: {
    summary: 'find out why signing or verifying does not work here',
    isCosign: true,
    load: async () => (await import('./commands/doctor.ts')).addDoctor,
  },
  profile: {
    summary: 'show and choose the instances that are trusted',
    load: async () => (await import('./commands/profiles/profile.ts')).addProfile,
  },
  login: {
    summary: 'keep credentials for a registry',
    isCosign: true,
    load: async () => (await import('./commands/images/login.ts')).addLogin,
  },
  'sign-blob': {
    summary: 'sign a file into a bundle',
    isCosign: true,
    load: async () => (await import('./commands/sign-blob.ts')).addSignBlob,
  },
  'verify-blob': {
    summary: 'verify a file with its bundle',
    isCosign: true,
    load: async () => (await import('./commands/verify-blob.ts')).addVerifyBlob,
  },
  'attest-blob': {
    summary: 'sign what a predicate says of a file',
    isCosign: true,
    load: async () => (await import('./commands/attest-blob.ts')).addAttestBlob,
  },
  'verify-blob-attestation': {
    summary: 'verify what is attested of a file',
    isCosign: true,
    load: async () => (await import('./commands/verify-blob-attestation.ts')).addVerifyBlobAttestation,
  },
  'trusted-root': {
    summary: 'make a trusted root by hand',
    isCosign: true,
    load: async () => (await import('./commands/trust-files/trusted-root.ts')).addTrustedRoot,
  },
  'signing-config': {
    summary: 'make a signing config by hand',
    isCosign: true,
    load: async () => (await import('./commands/trust-files/signing-config.ts')).addSigningConfig,
  },
  bundle: {
    summary: 'make, show and renew bundles',
    isCosign: true,
    load: async () => (await import('./commands/bundle/bundle.ts')).addBundle,
  },
  'generate-key-pair': {
    summary: 'make a pair of keys to sign with',
    isCosign: true,
    load: async () => (await import('./commands/keys/generate-key-pair.ts')).addGenerateKeyPair,
  },
  'import-key-pair': {
    summary: 'take a private key of another tool to sign with',
    isCosign: true,
    load: async () => (await import('./commands/keys/import-key-pair.ts')).addImportKeyPair,
  },
  'public-key': {
    summary: 'print the public half of a key',
    isCosign: true,
    load: async () => (await import('./commands/keys/public-key.ts')).addPublicKey,
  },
  policy: {
    summary: 'say which images may run, and have engines enforce it',
    load: async () => (await import('./commands/policy/policy.ts')).addPolicy,
  },
  trust: {
    summary: 'show, fetch and export the trust that the stack publishes',
    load: async () => (await import('./commands/trust.ts')).addTrust,
  },
  token: {
    summary: 'get a token of the trial issuer, or show one',
    load: async () => (await import('./commands/token.ts')).addToken,
  },
  log: {
    summary: 'look after a transparency log',
    load: async () => (await import('./commands/log/log.ts')).addLog,
  },
  monitor: {
    summary: 'ask the monitor of the logs what is wrong',
    load: async () => (await import('./commands/monitor/monitor.ts')).addMonitor,
  },
  witness: {
    summary: 'ask the witnesses of a log how far they are',
    load: async () => (await import('./commands/witness/witness.ts')).addWitness,
  },
  ca: {
    summary: 'look after the certificate authority',
    load: async () => (await import('./commands/ca.ts')).addCa,
  },
  timestamp: {
    summary: 'have files stamped with the time, and verify stamps',
    load: async () => (await import('./commands/timestamp/timestamp.ts')).addTimestamp,
  },
  tsa: {
    summary: 'look after the timestamp authority',
    load: async () => (await import('./commands/tsa.ts')).addTsa,
  },
  version: {
    summary: 'tell the version',
    load: async () => (await import('./commands/version.ts')).addVersion,
  },
}
