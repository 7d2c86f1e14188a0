export { addChainResponse, parseAddChainResponse } from './add-chain-response.ts'
export { encodeDigitallySigned, parseDigitallySigned } from './digitally-signed.ts'
export type { SignedEntry } from './entry.ts'
export { merkleTreeLeaf, parseMerkleTreeLeaf, sctSignedData } from './entry.ts'
export type { CtErrorCode } from './errors.ts'
export { CtError } from './errors.ts'
export type { ExtraData } from './extra-data.ts'
export { encodeExtraData, parseExtraData } from './extra-data.ts'
export {
  type CtNoteSignature,
  ctNoteKeyHint,
  encodeCtNoteSignature,
  parseCtNoteSignature,
} from './note-signature.ts'
export type { Sct } from './sct.ts'
export { encodeSct, encodeSctList, parseSct, parseSctList } from './sct.ts'
export { encodeTileLeaf, leafIndexExtensions } from './tile-leaf.ts'
export { sthSignedData } from './tree-head.ts'
export { verifySct } from './verify.ts'
