// The Webcam tab: camera pictures go to the server, annotated ones come back.
// Gradio's own stream sends pictures by the clock, as text inside JSON, and encodes them even
// when nobody will look at them; here the server's pace decides when the next one is taken.
(() => {
  const find = (id) => document.getElementById(id);
  // Between two pictures; a server that recognizes few of them needs its time for that.
  const SHORTEST_MS = 1000 / 30, LONGER_MS = 1000 / 20, FEW = 10, MOST_CARRIED = 8;
  const REASONS = {
    NotAllowedError: "The browser was not allowed to use the camera: allow it in the address " +
      "bar, then start the camera again.",
    NotFoundError: "No camera was found: plug one in, then start it again; or use the Video " +
      "and Image tabs.",
    NotReadableError: "The camera is in use by another program: close that, then start the " +
      "camera again.",
    OverconstrainedError: "The camera offers no fitting picture size: choose another camera.",
  };
  const INSECURE = "Browsers give the camera to pages from this computer or over https only: " +
    "open the page there; the Video and Image tabs work here too.";
  const OLD = "This browser is too old for live pictures: use a newer one, or the Video and " +
    "Image tabs.";
  const DOWN = "The server does not answer; trying again.";

  let stream = null; // of the camera, while it runs
  let eye = null; // the video element that plays it, unseen
  let worker = null;
  let shownUrl = "";
  const flow = { number: 0, under_way: 0, sent_at: 0, shown: 0, spacing_ms: 100, trip_ms: 200,
    served_ms: 50, timer: 0 };

  const note = (text, bad) => {
    const place = find("fl-status");
    const line = place && place.querySelector(".fl-note");
    if (!line || (line.textContent === text && line.classList.contains("bad") === !!bad)) return;
    line.textContent = text;
    line.classList.toggle("bad", !!bad);
    line.setAttribute("role", bad ? "alert" : "status");
  };
  const list = (html) => {
    const place = find("fl-list");
    if (place && place.shownHtml !== html) {
      place.shownHtml = html;
      place.innerHTML = html; // made by the server, every text in it escaped
    }
  };
  const address = (deed = "") => {
    const token = find("fl-token");
    return token && new URL(`fra-live/camera/${token.dataset.token}${deed}`, document.baseURI).href;
  };
  const tellServer = async (deed) => {
    try {
      const answer = await fetch(address(deed), { method: "POST" });
      if (answer.ok) return await answer.json();
      note(await answer.text(), true);
    } catch {
      note(DOWN, true);
    }
    return undefined;
  };

  // -- sending -----------------------------------------------------------------------------------

  // One is at work while the next is on its way; to a distant server two are.
  const most = () => (flow.served_ms > flow.trip_ms / 2 ? 2 : 3);
  const plan = () => {
    if (!stream || flow.under_way >= most()) return; // the next answer plans anew
    clearTimeout(flow.timer);
    flow.timer = setTimeout(send, flow.sent_at + flow.spacing_ms - performance.now());
  };
  const send = async () => {
    const stage = find("fl-live");
    if (!stream || flow.under_way > 2) return;
    if (!stage || !stage.offsetParent || !eye.videoWidth || !address()) {
      flow.timer = setTimeout(send, 200); // another tab is open, or the camera is not ready yet
      return;
    }
    flow.sent_at = performance.now();
    flow.under_way += 1;
    const number = (flow.number += 1);
    try {
      const picture = await createImageBitmap(eye);
      const mirror = find("fl-mirror").checked;
      worker.postMessage({ number, picture, mirror, address: address() }, [picture]);
      sentAt.set(number, flow.sent_at);
    } catch {
      flow.under_way -= 1; // the camera has just gone
    }
    plan();
  };
  const sentAt = new Map();

  const receive = ({ data: { number, status, told, jpeg } }) => {
    const since = performance.now() - sentAt.get(number);
    sentAt.delete(number);
    flow.under_way -= 1;
    if (!stream) return;
    if (status === 200) {
      flow.trip_ms += 0.2 * (since - flow.trip_ms);
      flow.served_ms += 0.2 * (told.served_ms - flow.served_ms);
      // As close together as the server takes them without making them wait, and evenly.
      const wider = told.waited_ms > 8;
      const spacing = wider ? flow.spacing_ms * 1.1 + 1 : flow.spacing_ms * 0.95 - 1;
      const even = flow.trip_ms / (most() + 0.5);
      const rate = told.recognized_fps || FEW; // 0: nobody knows yet
      const shortest = Math.max(rate < FEW ? LONGER_MS : SHORTEST_MS, 1000 / (rate * MOST_CARRIED));
      flow.spacing_ms = Math.max(even, Math.min(spacing, flow.trip_ms), shortest);
      if (number > flow.shown) show(number, jpeg, told);
    } else if (status === 404) {
      stop();
      note(told, true);
      return;
    } else if (status !== 429) {
      flow.spacing_ms = 1000;
      note(status === 0 || status >= 502 ? DOWN : told, true);
    }
    plan();
  };
  const show = (number, jpeg, told) => {
    const picture = find("fl-picture");
    if (!picture) return;
    flow.shown = number;
    const before = shownUrl;
    shownUrl = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
    picture.onload = () => URL.revokeObjectURL(before);
    picture.src = shownUrl;
    const stage = find("fl-live");
    stage.dataset.on = "";
    stage.dataset.recognized = told.recognized;
    stage.dataset.recognizedMs = told.recognized_ms;
    list(told.events);
    note(told.status, false);
  };

  // -- starting and stopping ---------------------------------------------------------------------

  const running = (on) => {
    find("fl-stop").hidden = !on;
    find("fl-full").hidden = !on || !document.fullscreenEnabled;
    if (!on) {
      delete find("fl-live").dataset.on;
      find("fl-cameras").hidden = true;
    }
  };
  const start = async (camera) => {
    if (!navigator.mediaDevices) return note(INSECURE, true);
    if (typeof OffscreenCanvas === "undefined") return note(OLD, true);
    const size = { width: { ideal: 640 }, height: { ideal: 480 } };
    const which = camera ? { deviceId: { exact: camera } } : { facingMode: "user" };
    note("Opening the camera …", false);
    let opened;
    try {
      opened = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which } });
    } catch (error) {
      return note(REASONS[error.name] || `The camera cannot be used (${error.message}).`, true);
    }
    release();
    stream = opened;
    const [track] = stream.getVideoTracks();
    track.onended = () => { stop(); note("The camera was unplugged or taken away.", true); };
    find("fl-mirror").checked = track.getSettings().facingMode !== "environment";
    eye = eye || Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    eye.id = "fl-eye";
    document.body.append(eye);
    eye.srcObject = stream;
    await eye.play().catch(() => {});
    if (!worker) {
      const code = new Blob([find("fl-sender").textContent], { type: "text/javascript" });
      worker = new Worker(URL.createObjectURL(code));
      worker.onmessage = receive;
    }
    running(true);
    offerCameras(track);
    Object.assign(flow, { spacing_ms: 100, sent_at: 0 });
    send();
  };
  const offerCameras = async (track) => {
    const all = await navigator.mediaDevices.enumerateDevices();
    const cameras = all.filter((device) => device.kind === "videoinput");
    const choice = find("fl-cameras");
    const present = track.getSettings().deviceId;
    choice.replaceChildren(...cameras.map((camera, index) => new Option(
      camera.label || `Camera ${index + 1}`, camera.deviceId, false, camera.deviceId === present)));
    choice.hidden = cameras.length < 2;
  };
  const release = () => {
    clearTimeout(flow.timer);
    if (stream) stream.getTracks().forEach((track) => { track.onended = null; track.stop(); });
    stream = null;
  };
  const stop = async () => {
    release();
    running(false);
    const told = await tellServer("/stop");
    if (told && !stream) { list(told.events); note(told.status, false); }
  };
  const deeds = {
    "fl-start": () => start(),
    "fl-stop": stop,
    "fl-clear": async () => { const told = await tellServer("/clear"); if (told) list(told.events); },
    "fl-full": () => (document.fullscreenElement
      ? document.exitFullscreen() : find("fl-live").requestFullscreen()),
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest && event.target.closest("button[id]");
    if (target && deeds[target.id]) deeds[target.id]();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "fl-cameras") start(event.target.value);
  });
})();
