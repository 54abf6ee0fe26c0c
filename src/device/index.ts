// The public door `corral/device`.
export * from './device.ts';
export { type OpenDeviceOptions, openDevice } from './open.ts';
