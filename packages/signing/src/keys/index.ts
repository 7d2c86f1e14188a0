export { importPrivateKey } from './import-key.ts'
export type { KeyContext } from './key-context.ts'
export { createPluginKey } from './kms-plugin.ts'
export { type Cluster, parseKubeconfig } from './kubernetes/kubeconfig.ts'
export { readPullSecrets } from './kubernetes/pull-secrets.ts'
export { createKeySecret, type KeySecret } from './kubernetes/secret.ts'
export { openPublicHalf, openSigningKey, openVerificationKey, parseKeyReference } from './open-key.ts'
export {
  isSealedKey,
  openSealedKey,
  readSealedKey,
  type SealedParts,
  scryptCosts,
  sealPrivateKey,
} from './sealed-key.ts'
