export { type Authority, chainEnd } from './authority.ts'
export {
  type AuthoritySet,
  type AuthoritySetOptions,
  authorityPaths,
  openAuthoritySet,
} from './authority-set.ts'
export { type AuthoritySettings, authorityOptions } from './authority-settings.ts'
export {
  type CeremonyFolder,
  commitRotation,
  installChain,
  type ListedAuthority,
  listAuthorities,
  prepareRotation,
  requestCertificate,
  retireAuthority,
} from './ceremony.ts'
export { AuthorityError, type AuthorityErrorCode } from './errors.ts'
export { folderPassword } from './folder-password.ts'
export {
  commitStampRotation,
  listStampAuthorities,
  prepareStampRotation,
  retireStampAuthority,
} from './timestamping/ceremony.ts'
export {
  openStampAuthorities,
  type StampAuthorities,
  type StampAuthority,
  stampAuthorityPaths,
} from './timestamping/stamp-authorities.ts'
