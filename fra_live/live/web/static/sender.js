// Runs beside the page (a worker), so that neither encoding nor the network holds the page up.
// Takes a picture, sends it to the server as JPEG, and gives back what the server made of it.
const QUALITY = 0.8;
const MAX_SIDE = 768; // px; the networks look at less
let canvas = null;

const encode = (picture, mirror) => {
  const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
  const width = Math.round(picture.width * scale);
  const height = Math.round(picture.height * scale);
  if (!canvas || canvas.width !== width || canvas.height !== height) {
    canvas = new OffscreenCanvas(width, height);
  }
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
};

onmessage = async ({ data: { number, picture, mirror, address } }) => {
  try {
    const body = await encode(picture, mirror);
    const answer = await fetch(address, { method: "POST", body });
    const status = answer.status;
    if (!answer.ok) {
      postMessage({ number, status, told: await answer.text() });
      return;
    }
    // Four bytes tell how long the JSON is; behind it comes the annotated picture.
    const bytes = await answer.arrayBuffer();
    const length = new DataView(bytes).getUint32(0, true);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
    const jpeg = bytes.slice(4 + length);
    postMessage({ number, status, told, jpeg }, [jpeg]);
  } catch (error) {
    postMessage({ number, status: 0, told: String(error) });
  }
};
