// The door to the local store: models pulled from a hub, listed, found by name, removed.

export { type Database, openDatabase } from './database.ts';
export { storeFolder } from './folder.ts';
export type { AcceptLicence, LicenceToAccept } from './licence.ts';
export { formatModelName, type ModelName, parseModelName, readModelName } from './model-name.ts';
export {
  type AskedPull,
  findModel,
  listModels,
  listUnfinished,
  type Manifest,
  removeModel,
  resolveModel,
  type StoredModel,
  type StoreOptions,
  type UnfinishedModel,
} from './models.ts';
export { type KeptWeights, PackedStore, type PackedStoreOptions } from './packed-store.ts';
export { PageFolder, type PageFolderOptions } from './page-folder.ts';
export { type PulledModel, type PullOptions, pull } from './pull.ts';
export { findShippedModel, type ShippedPurpose, shippedModels } from './shipped-models.ts';
