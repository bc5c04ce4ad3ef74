/**
 * What the reference plugins 1.1.1 (Debian's containernetworking-plugins) do otherwise than the checks ask, each tried by hand as well or read in their source: a check that
 * begins or ceases to fail for them has changed.
 */
export const failuresOfReference: Readonly<Record<string, string>> = {
  "attachments: DEL after the namespace vanished and its path names a file succeeds and gives the address back":
    'it ends with "unknown FS magic" where a plain file is left of a namespace',
  "bridges: portIsolation keeps containers of a network apart, and both reach the gateway": "the key came with 1.6",
  "chains: bridge after a plugin that made an interface gives both in its result":
    "it prints its own interfaces and addresses alone",
  "chains: macvlan after a plugin that made an interface gives both in its result":
    "it prints its own interfaces and addresses alone",
  "chains: ptp after a plugin that made an interface gives both in its result":
    "it prints its own interfaces and addresses alone",
  "bridge VLANs: CHECK fails when the port's VLAN is gone": "it does not look at VLANs",
  "bridge VLANs: a vlanTrunk whose minID is above its maxID is refused": "the key came with 1.2",
  "bridge VLANs: a vlanTrunk with a minID and no maxID is refused": "the key came with 1.2",
  "bridge VLANs: a vlanTrunk with an id of 0 is refused": "the key came with 1.2",
  "bridge VLANs: vlanTrunk puts the port into VLANs, tagged": "the key came with 1.2",
  "bridge VLANs: what the host has in a VLAN goes with its last container, and the bridge leaves it":
    "it keeps the gateway's pair for ever",
  "bridge VLANs: with preserveDefaultVlan false the port leaves the bridge's own VLAN": "the key came with 1.3",
  "changing plugins: tuning sets the length of the queue": "the key came with 1.2",
  "checking: CHECK of bandwidth fails when the queues are gone":
    "it compares the queues that are there and does not miss one",
  "checking: CHECK of portmap passes right after ADD": "it looks for IPv6 rules of a container without IPv6",
  "checking: CHECK of tuning by an interface's sysctl passes right after ADD": "it looks for a file of the name IFNAME",
  "checking: CHECK passes right after ADD with a route whose gateway is left to the plugin":
    "it compares with a gateway of nothing, although ADD filled in the network's",
  "concurrency: of two containers that publish the same port at once, one is refused": "it reserves no ports",
  "delegation: ADD that fails because a route's gateway cannot be reached gives the address back by DEL and leaves no interface":
    "the interface stays when addresses fail",
  "delegation: ADD that fails because the answer holds no addresses gives the address back by DEL and leaves no interface":
    "the interface stays when addresses fail",
  "delegation: ADD that fails because the answer is no JSON gives the address back by DEL and leaves no interface":
    "an answer that it cannot read is an error without DEL",
  "delegation: ADD that fails because the bridge has another address gives the address back by DEL and leaves no interface":
    "the interface stays when addresses fail",
  "delegation: when the IPAM plugin's ADD fails it is called with DEL, in case it kept something":
    "it does not call DEL",
  "delegation: when the IPAM plugin's ADD fails no interface is left, and the next ADD works":
    "the interface stays when addresses fail",
  "devices: host-device: DEL after the namespace vanished succeeds":
    "it is an error when the namespace or the device is gone",
  "devices: host-device: DEL again succeeds": "it is an error when the namespace or the device is gone",
  "devices: host-device: DEL with an empty CNI_NETNS gives the address back": "it returns before the IPAM plugin's DEL",
  "input: an error carries the protocol version of the request": "skel leaves it out",
  "input: the plugin's own namespace is refused before anything is done in it": "the test came with 1.2",
  "other interfaces: macvlan: DEL succeeds when the parent is gone": "it asks for the parent's mtu first",
  "port life: a mapping with a hostIP that is no address is refused":
    "what is no address is taken for IPv6, and no rule made",
  "port life: a port at which the host itself listens is refused": "it reserves no ports",
  "port life: a port that another container has is refused": "it reserves no ports",
  "port life: masqAll hides outside callers behind the host": "the key came with 1.5",
  "port mapping: a port is reached from the host at ::1": "route_localnet has no IPv6 twin",
  "port mapping: a tcp port is reached from the container itself, which no hairpinMode helps":
    "the frame would have to leave by the port that it came from",
  "port mapping: a udp port is reached from the container itself, which no hairpinMode helps":
    "the frame would have to leave by the port that it came from",
  "results: dns of the IPAM plugin is dns of the result where the configuration has none":
    "dns is the configuration's, empty as it is",
  "results: the result of loopback has the form of 0.3.0": "addresses are built without their version",
  "results: the result of loopback has the form of 0.3.1": "addresses are built without their version",
  "results: the result of loopback has the form of 0.4.0": "addresses are built without their version",
  "traces: bridge and bandwidth: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: bridge and firewall: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: bridge and firewall: DEL without prevResult leaves nothing":
    "its rules are found by the previous result's addresses",
  "traces: bridge and portmap: DEL after the namespace vanished leaves nothing":
    "masquerade rules are found by the addresses in the namespace, and stay when it is gone",
  "traces: bridge and portmap: DEL with an empty CNI_NETNS after the namespace vanished leaves nothing":
    "masquerade rules are found by the addresses in the namespace, and stay when it is gone",
  "traces: bridge and portmap: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: bridge and portmap: DEL without the runtime's capability arguments leaves nothing":
    "ports are found by the mappings that are passed again",
  "traces: bridge and tuning: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: bridge with ipMasq for both families: DEL after the namespace vanished leaves nothing":
    "masquerade rules are found by the addresses in the namespace, and stay when it is gone",
  "traces: bridge with ipMasq for both families: DEL with an empty CNI_NETNS after the namespace vanished leaves nothing":
    "masquerade rules are found by the addresses in the namespace, and stay when it is gone",
  "traces: bridge with ipMasq for both families: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: bridge: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: macvlan: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: ptp with ipMasq: DEL after the namespace vanished leaves nothing":
    "masquerade rules are found by the addresses in the namespace, and stay when it is gone",
  "traces: ptp with ipMasq: DEL with an empty CNI_NETNS after the namespace vanished leaves nothing":
    "masquerade rules are found by the addresses in the namespace, and stay when it is gone",
  "traces: ptp with ipMasq: DEL with an empty CNI_NETNS while the namespace lives leaves nothing":
    "it keeps no records, and knows the namespace by CNI_NETNS alone",
  "traces: when its last container leaves, a network that ADD made is gone as a whole":
    "bridges and chains stay for ever",
};

/** Those that fail now and then: plugins at once lose a race for a chain of iptables, or for a link that another one deletes. */
export const racesOfReference: readonly string[] = [
  "concurrency: 10 DELs of one attachment at once all succeed",
  "concurrency: 8 containers that publish ports at once on a host that never published any all succeed",
  "concurrency: of two containers that publish the same port at once, one is refused",
];
