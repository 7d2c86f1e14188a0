/** CMS and responses of timestamp authorities, for those who read and verify them. */

export { hashOf, tstInfoOid } from '../oids.ts'
export type { TstInfo } from './response.ts'
export { parseTimestampResponse, parseTstInfo } from './response.ts'
export type { SignedData, SignerInfo } from './signed-data.ts'
export { dataOid, parseSignedData } from './signed-data.ts'
export { assertSigningCertificate } from './signing-certificate.ts'
export { assertResponseForm, assertTstInfoForm } from './token-form.ts'
