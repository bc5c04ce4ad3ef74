/** `linkInContainer` under a kernel that has ipvlan and VLAN links, too. */
import "../../kernel/cni/link-in-container.test.ts";
