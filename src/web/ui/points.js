// Records on a map without tiles: nothing is fetched from outside.  A circle
// is a record, what of it is filled tells its status, and the table beside it
// says the same in words.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { _ } from './i18n.js';
import { go, recordHref } from './route.js';

let leaflet = null;

function load() {
	if (!leaflet) {
		const css = document.createElement('link');

		css.rel = 'stylesheet';
		css.href = '/vendor/leaflet.css';
		document.head.prepend(css);
		leaflet = import('./vendor/leaflet.js');
	}
	return leaflet;
}

const at = (r) => r.values?.lon && r.values?.lat ?
	[Number(r.values.lat), Number(r.values.lon)] : null;

function shape(status) {
	return 'point ' + (status ?? 'unknown');
}

// Like the sign beside the word: what is busy is half full.  Of a circle and
// its right half, the even-odd rule fills the left one.
let Mark = null;

function mark(L) {
	Mark ??= L.CircleMarker.extend({
		_updatePath() {
			const { x, y } = this._point;
			const r = this._radius;

			if (!this.options.half || this._empty()) {
				this._renderer._updateCircle(this);
				return;
			}
			this._renderer._setPath(this, `M${x - r},${y}a${r},${r} 0 1,0 ${
			    2 * r},0a${r},${r} 0 1,0 ${-2 * r},0zM${x},${y - r}a${r},${
			    r} 0 0,1 0,${2 * r}z`);
		},
	});
	return Mark;
}

// On a wall everything is larger, points too.
const scaleOf = (node) => parseFloat(getComputedStyle(node)
    .getPropertyValue('--g')) / 4 || 1;

// Lines of latitude and longitude, so that there is a sense of distance.
function graticule(L, map, layer) {
	const b = map.getBounds();
	const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5].find((s) =>
		(b.getEast() - b.getWest()) / s < 8) ?? 10;
	const digits = step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0;
	const word = (lat, lon, text) => L.marker([lat, lon], {
		icon: L.divIcon({ className: 'grid-mark', html: text, iconSize: null }),
		interactive: false, keyboard: false }).addTo(layer);

	const line = { className: 'grid', interactive: false, pane: 'grid' };
	// The scale stands at the right, a word of this width before it; at the
	// top there is no room above a line.
	const k = scaleOf(map.getContainer());
	const size = map.getSize();
	const last = size.x - 185 * k;
	const room = ([lat, lon]) => {
		const p = map.latLngToContainerPoint([lat, lon]);

		return p.x < last && p.y > 20 * k;
	};

	layer.clearLayers();
	for (let x = Math.ceil(b.getWest() / step) * step; x < b.getEast();
	    x += step) {
		L.polyline([[b.getSouth(), x], [b.getNorth(), x]], line)
		    .addTo(layer);
		if (room([b.getSouth(), x]))
			word(b.getSouth(), x, x.toFixed(digits) + '°E');
	}
	for (let y = Math.ceil(b.getSouth() / step) * step; y < b.getNorth();
	    y += step) {
		L.polyline([[y, b.getWest()], [y, b.getEast()]], line)
		    .addTo(layer);
		if (room([y, b.getWest()]))
			word(y, b.getWest(), y.toFixed(digits) + '°N');
	}
}

function draw(L, map, layer, records, centre) {
	layer.clearLayers();
	const seen = [];
	const k = scaleOf(map.getContainer());

	for (const r of records) {
		const where = at(r);

		if (!where || r.id === centre?.id)
			continue;
		seen.push(where);
		const p = new (mark(L))(where, { radius: 6 * k,
			half: r.values.status === 'busy',
			className: shape(r.values.status) }).addTo(layer);

		p.bindTooltip(() => {
			const d = document.createElement('div');

			d.textContent = [r.title, r.text.status].filter(Boolean)
			    .join(' · ');
			return d;
		});
		p.on('click', () => go(recordHref(r.kind, r.id)));
	}
	if (centre && at(centre)) {
		seen.push(at(centre));
		L.circleMarker(at(centre), { radius: 10 * k, className: 'point here',
			interactive: false }).addTo(layer);
		L.circleMarker(at(centre), { radius: 3 * k, className: 'point dot',
			interactive: false }).addTo(layer);
	}
	if (seen.length)
		map.fitBounds(seen, { padding: [24, 24], maxZoom: 14,
			animate: false });
}

export function Points({ records, centre, label, note }) {
	const ref = useRef(null);
	const [map, setMap] = useState(null);
	const [failed, setFailed] = useState(false);

	useEffect(() => {
		let gone = false;
		let m = null;

		load().then((L) => {
			if (gone)
				return;
			m = L.map(ref.current, { attributionControl: false,
				zoomControl: false, zoomAnimation: false, fadeAnimation: false,
				minZoom: 5, maxZoom: 17, center: [27.7, 106.9], zoom: 9 });
			L.control.zoom({ position: 'topright', zoomInTitle: _('Nearer'),
				zoomOutTitle: _('Farther') }).addTo(m);
			L.control.scale({ imperial: false, position: 'bottomright',
				maxWidth: 100 * scaleOf(ref.current) }).addTo(m);
			m.createPane('grid').style.zIndex = 300; // below the points
			const grid = L.layerGroup().addTo(m);
			const layer = L.layerGroup().addTo(m);

			m.on('moveend', () => graticule(L, m, grid));
			setMap({ L, m, layer });
		}, () => setFailed(true));
		return () => {
			gone = true;
			m?.remove();
		};
	}, []);
	useEffect(() => {
		if (map)
			draw(map.L, map.m, map.layer, records, centre);
	}, [map, records.map((r) => r.id + r.values.status + r.values.lon).join(),
		centre?.id]);
	return html`<figure class="map"><div class="ground" ref=${ref}
		role="region" aria-label=${label}></div>
		<figcaption>${failed ? _('The map was not read.') :
		    html`${records.length > 0 && html`
			<span><i class="key ready"></i>${_('ready')}</span>
			<span><i class="key busy"></i>${_('busy')}</span>
			<span><i class="key down"></i>${_('down or unknown')}</span>`}
			${note && html`<span>${note}</span>`}
			<span class="dim">${_('no ground map · CGCS2000')}</span>`}
		</figcaption></figure>`;
}
