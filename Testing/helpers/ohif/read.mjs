// Reads a structured report and segmentations as OHIF does: with its own extension, Cornerstone's adapters and dcmjs.
// node read.mjs MODULES CT_FOLDER SR SEG... prints JSON. What needs a browser (views, notifications) is replaced.
import { readFileSync, readdirSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, ctFolder, srFile, ...segFiles] = process.argv.slice(2);
globalThis.window = globalThis.self = globalThis;
const log = console.log;
console.log = console.info = console.debug = () => {};
const require = createRequire(pathToFileURL(join(modules, 'package.json')));
const load = async name => import(pathToFileURL(require.resolve(name)).href).catch(async () => import(await resolved(name)));
const resolved = async name => pathToFileURL(join(modules, 'node_modules', name, 'dist/esm/index.js')).href;

const dcmjs = (await load('dcmjs')).default;
const adapters = await import(await resolved('@cornerstonejs/adapters'));
const { DicomMessage, DicomMetaDictionary } = dcmjs.data;

function natural(path) {
  const bytes = readFileSync(path);
  const dicom = DicomMessage.readFile(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return DicomMetaDictionary.naturalizeDataset(dicom.dict);
}

const images = readdirSync(ctFolder).map(name => natural(join(ctFolder, name)));
const imageIds = images.map((_, place) => `ct:${place}`);
const instances = Object.fromEntries(images.map((image, place) => [imageIds[place], image]));

// What stands for the rest of OHIF: anything is called and read without effect.
const nothing = new Proxy(class {}, {
  get: (target, key) => (key === 'prototype' ? target.prototype : key === Symbol.toPrimitive ? () => '' : nothing),
  apply: () => nothing,
  construct: () => ({}),
});
const annotations = [];
const core = {
  utils: {
    sortStudyInstances: () => {},
    guid: () => 'display-set',
    sortDisplaySetsCopy: sets => [...sets],
    sopClassDictionary: {
      BasicTextSR: '1.2.840.10008.5.1.4.1.1.88.11',
      EnhancedSR: '1.2.840.10008.5.1.4.1.1.88.22',
      ComprehensiveSR: '1.2.840.10008.5.1.4.1.1.88.33',
      Comprehensive3DSR: '1.2.840.10008.5.1.4.1.1.88.34',
    },
  },
  classes: {
    ImageSet: class {},
    MetadataProvider: {
      getUIDsFromImageID: id => ({ SOPInstanceUID: instances[id].SOPInstanceUID, frameNumber: undefined }),
    },
  },
  log: nothing,
};
const stubs = {
  '@ohif/core': core,
  '@cornerstonejs/adapters': adapters,
  '@cornerstonejs/tools': {
    AnnotationTool: class {},
    annotation: { state: { addAnnotation: one => annotations.push(one) } },
    utilities: nothing,
    drawing: nothing,
  },
  '@cornerstonejs/core': { metaData: { get: () => undefined }, utilities: nothing },
  '@ohif/extension-cornerstone': {
    Enums: { CORNERSTONE_3D_TOOLS_SOURCE_NAME: 'Cornerstone3DTools', CORNERSTONE_3D_TOOLS_SOURCE_VERSION: '0.1' },
  },
  '@ohif/i18n': { t: text => text },
};
const original = Module._load;
Module._load = (name, parent, main) => {
  if (name in stubs) return stubs[name];
  if (/^(@ohif|react)/.test(name) && !name.includes('dicom-sr')) return nothing;
  return original(name, parent, main);
};

const extension = require('@ohif/extension-cornerstone-dicom-sr').default;
const ctDisplaySet = { displaySetInstanceUID: 'ct', FrameOfReferenceUID: images[0].FrameOfReferenceUID, images };
const servicesManager = {
  services: {
    displaySetService: { activeDisplaySets: [ctDisplaySet], EVENTS: {}, subscribe: () => {} },
    measurementService: { getSourceMappings: () => [] },
    customizationService: { getCustomization: () => undefined },
    uiNotificationService: { show: told => { throw new Error(told.message); } },
  },
};
const extensionManager = { getDataSources: () => [{ getImageIdsForDisplaySet: () => imageIds }] };
const report = natural(srFile);
const handlers = extension.getSopClassHandlerModule({ servicesManager, extensionManager });
const handler = handlers.find(one => one.name === 'dicom-sr-3d' && one.sopClassUids.includes(report.SOPClassUID));
const [displaySet] = handler.getDisplaySetsFromSeries([report]);
await displaySet.load();

const own = {};
const metadataProvider = {
  addCustomMetadata: (id, kind, value) => { own[`${kind} ${id}`] = value; },
  get(kind, id) {
    const image = instances[id];
    if (!image) return own[`${kind} ${id}`];
    if (kind === 'generalSeriesModule') return { seriesInstanceUID: image.SeriesInstanceUID };
    if (kind === 'imagePixelModule') return { bitsAllocated: 16, pixelRepresentation: 1, samplesPerPixel: 1 };
    if (kind === 'instance') return image;
    if (kind === 'generalImageModule') return { sopInstanceUID: image.SOPInstanceUID };
    if (kind === 'imagePlaneModule') {
      const [rowSpacing, columnSpacing] = image.PixelSpacing.map(Number);
      const orientation = image.ImageOrientationPatient.map(Number);
      return {
        rows: image.Rows, columns: image.Columns, rowPixelSpacing: rowSpacing, columnPixelSpacing: columnSpacing,
        imageOrientationPatient: orientation, rowCosines: orientation.slice(0, 3), columnCosines: orientation.slice(3),
        imagePositionPatient: image.ImagePositionPatient.map(Number), frameOfReferenceUID: image.FrameOfReferenceUID,
      };
    }
    return undefined;
  },
};

(await import(await resolved('@cornerstonejs/core'))).metaData.addProvider((kind, id) => metadataProvider.get(kind, id));

async function segmentation(path) {
  const bytes = readFileSync(path);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { Segmentation } = adapters.adaptersSEG.Cornerstone3D;
  const made = await Segmentation.createFromDICOMSegBuffer(imageIds, buffer, { metadataProvider });
  const voxels = {};
  for (const labelmap of made.labelMapImages) {
    for (const image of labelmap) {
      for (const value of image.getPixelData()) if (value) voxels[value] = (voxels[value] ?? 0) + 1;
    }
  }
  const segments = made.segMetadata.data.filter(Boolean).map(one => ({ number: one.SegmentNumber, label: one.SegmentLabel }));
  return { segments, voxels };
}

const segmentations = [];
for (const path of segFiles) segmentations.push(await segmentation(path));
log(JSON.stringify({
  measurements: displaySet.measurements,
  referencedImages: displaySet.referencedImages,
  annotations: annotations.map(one => ({ uid: one.annotationUID, type: one.metadata.graphicType, points: one.data.handles.points })),
  segmentations,
}));
process.exit(0);
