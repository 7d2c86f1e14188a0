/** For the tests of services that open keys: a real token, and a Vault that can be told to misbehave. */
export type { SoftHsm } from './soft-hsm.ts'
export { startSoftHsm, withoutSoftHsm } from './soft-hsm.ts'
export type { VaultStandIn } from './vault-stand-in.ts'
export { startVault, vaultRootToken } from './vault-stand-in.ts'
