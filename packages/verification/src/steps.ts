/** The steps of a verification one by one, for whoever tells of each. What a verdict is, `verifyBundle` says. */
export { keyOfLog, verifyPromise } from './log-entry.ts'
export { demandPromise, demandTrustedChain } from './signing-certificate.ts'
