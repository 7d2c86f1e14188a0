/** CMS for those who read timestamps: without the entry kinds and the libraries that these need. */
export { parseSignedData } from './signed-data.ts'
export { verifySignedData } from './verify-signed-data.ts'
