-- Lineage is walked from both ends of an edge, by kind, in the order of the other end: so that each step reads no more of
-- the index than it shows, however many edges end at one dataset.
create index edge_into on edge (organisation_id, to_key, kind, from_key);
drop index edge_to;
