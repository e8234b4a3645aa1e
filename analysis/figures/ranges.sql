-- Which policy is best where: a point a variant "acceptance A %, quality Q %", with the label that wins there among those which keep 95 %
-- of cloud_only's quality.  Only where its lead over the next of them excludes zero, pair by pair; else the place stays empty.
WITH kind(panel, name, title) AS (VALUES (1, 'e2e_mean', 'soonest'), (2, 'dollars', 'cheapest')),
place AS (SELECT DISTINCT variant, CAST(substr(variant, 12) AS REAL) / 100 AS a,
  CAST(substr(variant, instr(variant, 'quality ') + 8) AS REAL) / 100 AS q FROM label WHERE variant LIKE 'acceptance %, quality %'),
good AS (SELECT m.variant, m.label FROM metric m JOIN metric c ON c.variant = m.variant AND c.label = 'cloud_only' AND c.name = 'quality'
  WHERE m.name = 'quality' AND m.value >= 0.95 * c.value),
ranked AS (SELECT k.panel, k.name, k.title, m.variant, m.label, row_number() OVER (PARTITION BY k.panel, m.variant ORDER BY m.value) AS place
  FROM kind k JOIN metric m ON m.name = k.name JOIN good g ON g.variant = m.variant AND g.label = m.label JOIN label l ON l.variant = m.variant AND l.label = m.label
  WHERE m.value IS NOT NULL AND l.cheats = 0)
SELECT f.panel, 'tokens of a draft that are accepted: ' || f.title || ' there' AS x_title, 'the small model''s quality' AS y_title, '' AS variant, f.label, 'point' AS part,
  p.a, NULL AS low_x, NULL AS high_x, p.q, NULL AS low_y, NULL AS high_y
FROM ranked f JOIN place p ON p.variant = f.variant LEFT JOIN ranked s ON s.panel = f.panel AND s.variant = f.variant AND s.place = 2
LEFT JOIN v_paired d ON d.variant = f.variant AND d.label = f.label AND d.other = s.label AND d.name = f.name
WHERE f.place = 1 AND (s.label IS NULL OR d.shown = 1) ORDER BY f.panel, p.a, p.q;
